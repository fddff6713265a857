// Command go_oracle asks Go's crypto/x509 what it makes of certificate chains, as the API server does of a webhook's.
//
// Standard input: chains.json, as make_chains.py writes it. Standard output: verdicts.json, one verdict a chain. Run by
// hand when a chain is added, and committed together:
//
//	python tests/parsers/go_oracle/make_chains.py > tests/parsers/data/chains.json
//	go run tests/parsers/go_oracle/main.go < tests/parsers/data/chains.json > tests/parsers/data/verdicts.json
package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log"
	"os"
	"strings"
	"time"
)

type chain struct {
	Name          string
	Leaf          string
	Intermediates []string
	Roots         []string
	DNSName       string `json:"dns_name"`
	At            time.Time
}

type verdict struct {
	Outcome   string `json:"outcome"`
	Hint      string `json:"hint,omitempty"`
	Candidate string `json:"candidate,omitempty"`
	Text      string `json:"text,omitempty"`
}

func main() {
	var chains []chain
	if err := json.NewDecoder(os.Stdin).Decode(&chains); err != nil {
		log.Fatal(err)
	}
	verdicts := map[string]verdict{}
	for _, one := range chains {
		verdicts[one.Name] = judge(one)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(verdicts); err != nil {
		log.Fatal(err)
	}
}

func judge(one chain) verdict {
	leaf, err := parse(one.Leaf)
	if err != nil {
		return verdict{Outcome: "other", Text: err.Error()}
	}
	options := x509.VerifyOptions{
		DNSName: one.DNSName, Roots: pool(one.Roots), Intermediates: pool(one.Intermediates), CurrentTime: one.At,
	}
	if _, err = leaf.Verify(options); err == nil {
		return verdict{Outcome: "ok"}
	}
	text := err.Error()
	hint, candidate := hintOf(text)
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && !invalid.Cert.Equal(leaf) {
		candidate = invalid.Cert.Subject.CommonName
	}
	return verdict{Outcome: outcomeOf(err), Hint: hint, Candidate: candidate, Text: text}
}

func outcomeOf(err error) string {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid):
		return outcomeOfText(invalid.Error())
	case errors.As(err, &host):
		if strings.Contains(err.Error(), "legacy Common Name") {
			return "no_san"
		}
		return "name_mismatch"
	case errors.As(err, &authority):
		return "unknown_authority"
	}
	return "other"
}

func outcomeOfText(text string) string {
	switch {
	case strings.Contains(text, "is before"):
		return "not_yet_valid"
	case strings.Contains(text, "expired"):
		return "expired"
	case strings.Contains(text, "incompatible key usage"):
		return "incompatible_usage"
	case strings.Contains(text, "not authorized to sign other certificates"):
		return "not_a_ca"
	}
	return "other"
}

// hintOf takes the candidate authority, and why it was refused, out of the message: Go keeps both to itself.
func hintOf(text string) (string, string) {
	_, because, found := strings.Cut(text, "possibly because of ")
	if !found {
		return "", ""
	}
	why, name, _ := strings.Cut(because, " while trying to verify candidate authority certificate ")
	name = strings.Trim(name, `")`)
	if strings.Contains(why, "invalid signature: parent certificate cannot sign") {
		return "not_a_ca", name
	}
	return outcomeOfText(why), name
}

func pool(encoded []string) *x509.CertPool {
	certificates := x509.NewCertPool()
	for _, text := range encoded {
		if one, err := parse(text); err == nil {
			certificates.AddCert(one)
		}
	}
	return certificates
}

func parse(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
