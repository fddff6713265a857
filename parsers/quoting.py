r"""Quoted strings as Go's `%q` and JSON write them, whole, cut or damaged.

Source: Go's strconv.Quote (escapes \a \b \f \n \r \t \v \\ \" \xff \u00e9 \U0001f600 and octal) and RFC 8259.
`\x80` and above are single bytes of UTF-8 that was broken when it was quoted: they are put together where they can be.
An escape that is unknown or cut stays as it stands. Nothing raises.
"""

from __future__ import annotations

import re
from typing import Final

from parsers.text import scrub

QUOTED_BODY: Final = r'[^"\\]*+(?:\\.[^"\\]*+)*+'
"""Pattern of what stands between two quotation marks; linear, and `.` has to match a line feed."""

_ESCAPE: Final = re.compile(
    r"""\\(?:
        (?P<byte>x[0-9a-fA-F]{2}(?:\\x[0-9a-fA-F]{2})*+)
      | u(?P<surrogates>[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})
      | u(?P<short>[0-9a-fA-F]{4}) | U(?P<long>[0-9a-fA-F]{8}) | (?P<octal>[0-3][0-7]{2})
      | (?P<letter>[abfnrtv"'\\/])
    )""",
    re.VERBOSE,
)
_LETTERS: Final = {"a": "", "b": "", "f": "", "n": "\n", "r": "", "t": "\t", "v": ""}
_LARGEST_CODE_POINT: Final = 0x10FFFF
# A text whose quotation marks are all escaped, but for one that ended the value: the inside of a quoted string.
_INSIDE: Final = re.compile(QUOTED_BODY + r'"?', re.DOTALL)


def unescape(body: str) -> str:
    """Give the text that stands between two quotation marks, its escapes undone."""
    if "\\" not in body:
        return body
    if body.count("\\") == body.count('\\"') and "\\\\" not in body:
        return body.replace('\\"', '"')
    return scrub(_ESCAPE.sub(_decode, body))


def undo_leftover_escapes(text: str) -> str:
    r"""Undo `\"` and `\u003c` in a text that a tool took out of its quotes without decoding it."""
    if "\\" not in text:
        return text
    if '\\"' in text and _INSIDE.fullmatch(text):
        return unescape(text.removesuffix('"') if not text.endswith('\\"') else text)
    if "\\u00" in text:
        return scrub(re.sub(r"\\u(?P<hex>00[0-9a-fA-F]{2})", _decode_short, text))
    return text


def _decode(match: re.Match[str]) -> str:
    letter = match["letter"]
    if letter is not None:
        return _LETTERS.get(letter, letter)
    if match["byte"]:
        return bytes.fromhex(match["byte"].replace("\\", "").replace("x", "")).decode("utf-8", "replace")
    if match["octal"]:
        return bytes([int(match["octal"], 8)]).decode("utf-8", "replace")
    if match["surrogates"]:
        high, low = match["surrogates"].split("\\u")
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    number = int(match["short"] or match["long"], 16)
    return chr(number) if number <= _LARGEST_CODE_POINT else match[0]


def _decode_short(match: re.Match[str]) -> str:
    return chr(int(match["hex"], 16))
