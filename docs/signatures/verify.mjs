// Verify a Standard Webhooks signature with Node's own modules. Usage: verify.mjs SECRET ID TIMESTAMP SIGNATURES <body
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const TOLERANCE_SECONDS = 300;

export function verify(secret, id, timestamp, signatures, body, now) {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${digest}`);
  return signatures.split(" ").some((text) => {
    const candidate = Buffer.from(text);
    return candidate.length === expected.length && timingSafeEqual(candidate, expected);
  });
}

const [secret, id, timestamp, signatures] = process.argv.slice(2);
process.exitCode = verify(secret, id, timestamp, signatures, readFileSync(0), Date.now() / 1000) ? 0 : 1;
