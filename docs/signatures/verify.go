// Verify a Standard Webhooks signature with Go's standard library. Usage: verify SECRET ID TIMESTAMP SIGNATURES <body
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

func verify(secret, id, timestamp, signatures string, body []byte, now time.Time) (bool, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false, err
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false, nil
	}
	sent := time.Unix(seconds, 0)
	if sent.Before(now.Add(-tolerance)) || sent.After(now.Add(tolerance)) {
		return false, nil
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, candidate := range strings.Split(signatures, " ") {
		if hmac.Equal(expected, []byte(candidate)) {
			return true, nil
		}
	}
	return false, nil
}

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err != nil || len(os.Args) != 5 {
		os.Exit(2)
	}
	good, err := verify(os.Args[1], os.Args[2], os.Args[3], os.Args[4], body, time.Now())
	if err != nil {
		os.Exit(2)
	}
	if !good {
		os.Exit(1)
	}
}
