"""Failures in the words of wrappers that nobody has written yet: the cause stays, what stands around it is new."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

_LOGFMT_CAUSE = re.compile(r'msg="\w+ syncHandler error: ((?:[^"\\]|\\.)*)"')
_JSON_CAUSE = re.compile(r'"msg":"\w+ syncHandler error: ((?:[^"\\]|\\.)*)"')
Rewording = Callable[[str], str]

REWORDINGS: Mapping[str, Rewording] = {
    "prefix": lambda text: f"frobnicate zorgle/blip: pass 3 of 7: {text}",
    "prefix with quotes": lambda text: f'unable to settle "zorgle/blip" (phase "warm"): {text}',
    "prefix in brackets": lambda text: f"[zorgle] (blip) <settle> {text}",
    "suffix": lambda text: f"{text}; giving up after 3 tries",
    "suffix in brackets": lambda text: f"{text} (attempt 3, next in 5s)",
    "quoted as Go's %q": lambda text: f"settle failed: err={json.dumps(text)}",
    "quoted twice": lambda text: f"settle failed: err={json.dumps('inner: ' + json.dumps(text))}",
    "single quotes": lambda text: f"settle failed: '{text}'",
    "in JSON": lambda text: f"settle failed: {json.dumps({'code': 500, 'error': text, 'path': '/x'})}",
    "in JSON twice": lambda text: f"reply: {json.dumps({'body': json.dumps({'message': text, 'ok': False})})}",
    "rpc status": lambda text: f"rpc error: code = Unknown desc = {text}",
    "rpc status twice": lambda text: f"rpc error: code = Internal desc = step: rpc error: code = Unknown desc = {text}",
    "aggregate": lambda text: f"[{text}, {text}]",
    "list of errors": lambda text: f"1 error occurred:\n\t* {text}\n\n",
    "list of two errors": lambda text: f"2 errors occurred:\n\t* {text}\n\t* {text}\n\n",
    "joined by line feeds": lambda text: f"settle failed\n{text}",
    "Go struct": lambda text: f"&errors.wrapError{{msg:{json.dumps(text)}, err:(*errors.errorString)(0xc000123456)}}",
    "helm": lambda text: f'Error: UPGRADE FAILED: cannot patch "blip" with kind Zorgle: {text}',
    "flux": lambda text: f"Zorgle/blip/zip dry-run failed (InternalError): {text}",
    "terraform": lambda text: f"╷\n│ Error: {text}\n│ \n│   with zorgle.blip,\n│   on main.tf line 3\n╵",
    "status object": lambda text: (
        f"apiserver said: {json.dumps({'kind': 'Status', 'status': 'Failure', 'message': text, 'code': 500})}"
    ),
    "capitals and a full stop": lambda text: f"{text[:1].upper()}{text[1:]}.",
    "redacted": lambda text: re.sub(r"\?timeout=\d+s", "?[REDACTED]", text),
    "HTML escapes": lambda text: text.replace('"', "\\u0022"),
    "nested twice": lambda text: f'step "b" failed: step "a" failed: {text}: see above',
}


def reworded(files_lines: Sequence[str], rewording: Rewording) -> list[str]:
    """Every cause of a failed attempt reworded, wherever its text is repeated."""
    causes = {
        match[1] for line in files_lines for match in (_LOGFMT_CAUSE.search(line) or _JSON_CAUSE.search(line),) if match
    }
    table = {raw: _escaped(rewording(_unescaped(raw))) for raw in causes if len(raw) > 20}
    if not table:
        return list(files_lines)
    pattern = re.compile("|".join(re.escape(raw) for raw in sorted(table, key=len, reverse=True)))
    return [pattern.sub(lambda match: table[match[0]], line) for line in files_lines]


def _unescaped(raw: str) -> str:
    try:
        return str(json.loads(f'"{raw}"'))
    except ValueError:
        return raw.replace('\\"', '"')


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
