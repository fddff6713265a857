"""Secrets do not reach what is kept."""

from __future__ import annotations

import pytest

from parsers.redaction import MARK, redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-123", f"Authorization: {MARK}"),
        ("sent with bearer 0123456789abcdef", f"sent with bearer {MARK}"),
        ("https://user:p4ss@host/path", f"https://{MARK}@host/path"),
        ("GET https://h/q?api_key=123456&x=1", f"GET https://h/q?api_key={MARK}&x=1"),
        ('{"password":"hunter22"}', f'{{"password":"{MARK}"}}'),
        ('{\\"token\\":\\"abcdefgh\\"}', f'{{\\"token\\":\\"{MARK}\\"}}'),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", MARK),
        ("key AKIAABCDEFGHIJKLMNOP", f"key {MARK}"),
        ("https://hooks.slack.com/services/T0/B0/abc", f"https://hooks.slack.com/{MARK}"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", MARK),
    ],
)
def test_secret_is_replaced(text: str, expected: str) -> None:
    """The name before the secret stays, the secret does not."""
    assert expected == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "[invalid bearer token, oidc: verify token: oidc: expected audience]",
        'Secret "web-tls" not found',
        'Post "https://127.0.0.1:21362/authenticate?timeout=30s": x509: certificate signed by unknown authority',
        "secretName=web-tls",
    ],
)
def test_error_text_stays(text: str) -> None:
    """What only talks about secrets is kept as it is."""
    assert text is redact(text)
