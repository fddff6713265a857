"""Takes secrets out of a text before any part of it is kept.

What is known to be a secret by its shape (JWT, cloud key, private key, chat webhook) or by the name before it
(`token=`, `Authorization:`) is replaced by a mark. Names, hosts and paths stay: they are what a reader needs.
"""

from __future__ import annotations

import re

MARK = "[redacted]"

_HINTS = (
    "oken", "OKEN", "earer", "asic ", "assw", "ASSW", "pwd", "ecret", "ECRET", "uthorization", "://", "eyJ", "AKIA",
    "ASIA", "PRIVATE KEY", "pi_key", "piKey", "pikey", "pi-key", "PI_KEY", "PI-KEY", "pi-Key", "ignature", "xox",
    "ghp_", "github_pat_", "glpat-", "redential", "accessKey", "access_key", "hooks.slack", "webhookb2",
)  # fmt: skip
"""Cheap to look for; a text without any of them holds nothing that the patterns below could find."""

_NAMES = r"""(?:[\w.-]{0,40}(?:token|passw(?:or)?d|passwd|pwd|secret|api[_-]?key|access[_-]?key(?:[_-]?id)?|signature
             |x-amz-(?:credential|security-token)|client[_-]secret|private[_-]key|sas|sig))"""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL),
        MARK,
    ),
    (re.compile(r"\b(https?://)[^\s/@:\"'\\]{0,200}:[^\s/@\"'\\]{1,500}@"), rf"\1{MARK}@"),
    (re.compile(r"(https?://hooks\.slack(?:-gov)?\.com/)[^\s\"'\\)]+"), rf"\1{MARK}"),
    (re.compile(r"(https?://[\w.-]{1,200}/(?:webhookb2|webhook)/)[\w@-]{20}[^\s\"'\\)]*"), rf"\1{MARK}"),
    (re.compile(r"(https?://(?:discord(?:app)?\.com|api\.telegram\.org)/)[^\s\"'\\)]+"), rf"\1{MARK}"),
    (re.compile(r"(?i)((?:proxy-)?authorization[\"'\\]{0,8}\s{0,4}[:=]\s{0,4}[\"'\\\[]{0,8})(?:(?:bearer|basic|token|digest)\s+)?[^\s\"'\\,;\]]+"), rf"\1{MARK}"),
    (re.compile(r"(?i)\b(bearer\s+)(?!token\b|auth)[\w.~+/=-]{8,}"), rf"\1{MARK}"),
    (re.compile(r"(?i)\b(basic\s+)[A-Za-z0-9+/]{12,}={0,2}(?![\w-])"), rf"\1{MARK}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), MARK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MARK),
    (re.compile(r"\b(?:xox[abeprs]-[\w-]{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})"), MARK),
    (
        re.compile(
            rf"""(?ix)(?<![\w-])
            ({_NAMES}(?:["'\\]{{0,8}}=|["'\\]{{1,8}}\s{{0,2}}:(?!//)|:\s{{1,2}}(?=[^\s\d]{{0,64}}\d)(?=[\w+/=.-]{{8,}}))\s{{0,2}}["'\\]{{0,8}})
            (?!\[redacted\]|(?:true|false|null|none|nil)\b)[^\s"'\\&,;)}}]{{4,}}"""
        ),
        rf"\1{MARK}",
    ),
)  # fmt: skip


def redact(text: str) -> str:
    """The text with every secret replaced by MARK; the same object where there is none."""
    for hint in _HINTS:
        if hint in text:
            break
    else:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
