r"""What is complete of a JSON object that ends too early or is damaged.

Cases: a terminal window's width (`{"level":"info","msg":"…","namespace":"quux","res`), a line length limit, a paste
whose inner quotation marks lost their backslashes.
Members are read from left to right; the value that the text ends in is kept as far as it goes if it is a string. A
member that cannot be read is passed over up to the next `,"`. Nested values are kept as text. Never raises, linear.
"""

from __future__ import annotations

import re
from typing import Any, Final

from parsers.quoting import QUOTED_BODY, unescape
from parsers.reading import MAX_FIELDS

_MEMBER: Final = re.compile(
    rf'[\s,{{]*+"(?P<key>{QUOTED_BODY})"\s*+:\s*+(?:"(?P<quoted>{QUOTED_BODY})"(?=\s*+[,}}]|\s*+$)'
    r"|(?P<plain>-?[\d.eE+\-]++|true|false|null)(?=\s*+[,}\]])|(?P<opening>[\[{]))",
    re.DOTALL,
)
_CUT_STRING: Final = re.compile(rf'[\s,{{]*+"(?P<key>{QUOTED_BODY})"\s*+:\s*+"', re.DOTALL)
_ODD_END: Final = re.compile(r'"(?=\s*+,\s*+"[^"\\]{1,60}"\s*+:|\s*+\}\s*+$)')
_NEXT_MEMBER: Final = re.compile(r',\s*+"')
_BRACKET_OR_STRING: Final = re.compile(rf'"{QUOTED_BODY}"|[\[\]{{}}]|"', re.DOTALL)
_LONGEST_NUMBER: Final = 40


def scan_cut_object(text: str) -> dict[str, Any]:
    """Give the members of an object that can be read; empty where none can."""
    members: dict[str, Any] = {}
    position = text.find("{") + 1
    while position < len(text) and len(members) < MAX_FIELDS:
        match = _MEMBER.match(text, position)
        if match is None:
            position = _read_damaged(text, position, members)
            continue
        key, quoted, plain, opening = match.groups()
        position = match.end()
        if opening is not None:
            end = _end_of_nested(text, match.start("opening"))
            members[unescape(key)] = text[match.start("opening") : end]
            position = end
        else:
            members[unescape(key)] = _plain_value(plain) if quoted is None else unescape(quoted)
    return members


def _plain_value(text: str) -> object:
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    return text[:_LONGEST_NUMBER]


def _read_damaged(text: str, position: int, members: dict[str, Any]) -> int:
    """Read a string that does not end where it should, or pass over what is no member; gives where to go on."""
    head = _CUT_STRING.match(text, position)
    if head is None:
        following = _NEXT_MEMBER.search(text, position)
        return following.start() + 1 if following else len(text)
    end = _ODD_END.search(text, head.end())
    stop = end.start() if end else len(text)
    members[unescape(head["key"])] = unescape(text[head.end() : stop]).removesuffix("\\")
    return end.end() if end else len(text)


def _end_of_nested(text: str, start: int) -> int:
    """Find where the value that opens at `start` ends, without recursion; the text's end where it does not."""
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text, start):
        mark = match[0]
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
            if depth == 0:
                return match.end()
        elif mark == '"':
            return len(text)  # a string that is never closed
    return len(text)
