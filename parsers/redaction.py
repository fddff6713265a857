"""Takes secrets out of a text before any part of it is kept.

What is known to be a secret by its shape (JWT, cloud key, private key, chat webhook) or by the name before it
(`token=`, `Authorization:`) is replaced by a mark. Names, hosts and paths stay: they are what a reader needs.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

MARK = "[redacted]"


class Secret(msgspec.Struct, frozen=True):
    """One kind of secret: texts without any of the hints cannot hold it, which is cheap to see."""

    hints: tuple[str, ...]
    pattern: str  # verbose; group 1, if there is one, stays


SECRETS: tuple[Secret, ...] = (
    Secret(
        ("PRIVATE KEY",),
        r"-----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z ]{0,30}PRIVATE\ KEY-----|\Z)",
    ),
    Secret(("@",), r"""(\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@:"'\\]{0,200}:[^\s/@"'\\]{1,500}(?=@)"""),
    Secret(("hooks.slack",), r"""(https?://hooks\.slack(?:-gov)?\.com/)[^\s"'\\)]+"""),
    Secret(("webhook.office", "/webhookb2/"), r"""(https?://[\w.-]{1,200}/webhook(?:b2)?/)[^\s"'\\)]+"""),
    Secret(("discord", "telegram"), r"""(https?://(?:discord(?:app)?\.com|api\.telegram\.org)/)[^\s"'\\)]+"""),
    Secret(
        ("uthorization", "AUTHORIZATION"),
        r"""(?i)((?:proxy-)?authorization["'\\]{0,8}\s{0,4}[:=]\s{0,4}["'\\\[]{0,8})
            (?:(?:bearer|basic|token|digest)\s+)?[^\s"'\\,;\]]{4,}""",
    ),
    Secret(("earer", "EARER"), r"(?i)(\bbearer\s+)(?!token\b|auth)[\w.~+/=-]{8,}"),
    Secret(("asic ", "ASIC "), r"(?i)(\bbasic\s+)[A-Za-z0-9+/]{12,}={0,2}(?![\w-])"),
    Secret(("eyJ",), r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
    Secret(("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    Secret(
        ("xox", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
        r"\b(?:xox[abeprs]-[\w-]{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})",
    ),
    Secret(
        (
            "oken", "OKEN", "assw", "ASSW", "pwd", "PWD", "ecret", "ECRET", "api_key", "api-key", "apikey", "apiKey",
            "API_KEY", "APIKEY", "ApiKey", "Api-Key", "API-Key", "access_key", "accessKey", "ACCESS_KEY", "AccessKey",
            "ignature", "redential", "private_key", "sas=", "sig=",
        ),
        # A plain `name: value` counts only where the value looks random: `verify token: oidc: …` is an error text.
        r"""(?i)((?:token|passw(?:or)?d|passwd|pwd|secret|api[_-]?key|signature|credential
            |access[_-]?key(?:[_-]?id)?|private[_-]key|\bsas|\bsig)
            (?:["'\\]{0,8}=|["'\\]{1,8}\s{0,2}:(?!//)|:\s{1,2}(?=[^\s\d]{0,64}\d)(?=[\w+/=.-]{8}))\s{0,2}["'\\]{0,8})
            (?!\[redacted\]|(?:true|false|null|none|nil)\b)[^\s"'\\&,;)}]{4,}""",
    ),
)  # fmt: skip


def redact(text: str) -> str:
    """The text with every secret replaced by MARK; the same object where there is none."""
    for secret in SECRETS:
        for hint in secret.hints:
            if hint in text:
                text = _compiled(secret.pattern).sub(_replace, text)
                break
    return text


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when a text first holds a hint."""
    return re.compile(pattern, re.VERBOSE)


def _replace(match: re.Match[str]) -> str:
    """The name before the secret, and the mark."""
    return f"{match[1] if match.re.groups else ''}{MARK}"
