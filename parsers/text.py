"""Text made safe, once, where it enters: what comes out can be printed on a terminal, stored and matched.

Input: bytes as they were read, or text that a decoder gave (a JSON string may hold any character).
Output: valid Unicode without terminal escapes, control characters (tab and line feed stay) and lone surrogates.
What cannot be decoded becomes U+FFFD, and so do characters that turn the writing direction. Nothing raises.
"""

from __future__ import annotations

import re
from typing import Final

from parsers.records import MAX_TEXT_CHARS

REPLACEMENT: Final = "\ufffd"

# ECMA-48 sequences. An OSC that is never ended (a cut line) loses its introducer only, so that it hides no text.
_ESCAPES: Final = re.compile(
    r"""
      (?:\x1b\[|\x9b) [0-?]{0,64}+ [ -/]{0,8}+ [@-~]?       # CSI: colours, cursor
    | \x1b\] [^\x07\x1b\n]{0,4096}+ (?:\x07|\x1b\\)         # OSC: titles, hyperlinks
    | \x1b [PX^_] [^\x1b\n]{0,4096}+ \x1b\\                 # DCS, SOS, PM, APC
    | \x1b [ -/]{0,8}+ [0-~]?                               # two-character and charset escapes
    """,
    re.VERBOSE,
)
_DROPPED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]+|\r(?=\n|$)")
_REPLACED: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SPACES: Final = re.compile("[\r\x85\u2028\u2029]")  # a carriage return inside a line is a progress bar's
_SUSPECT_BYTES: Final = bytes([*range(9), *range(11, 32), 0x7F, 0xC2, 0xD8, 0xE2, 0xED, 0xEF])
"""Control characters, and the first bytes of the UTF-8 sequences that hold what `scrub` takes out."""


def scrub(text: str) -> str:
    """Take terminal escapes, control characters, lone surrogates and direction marks out of a text."""
    if text.isprintable():
        return text
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text)
    text = _DROPPED.sub("", text)
    text = _SPACES.sub(" ", text)
    return _REPLACED.sub(REPLACEMENT, text)


def clean_text(raw: bytes | str) -> tuple[str, bool]:
    """Make text safe; the second value says that it was longer than `MAX_TEXT_CHARS` and is cut."""
    if isinstance(raw, str):
        text = scrub(raw[: 2 * MAX_TEXT_CHARS])
        return text[:MAX_TEXT_CHARS], len(text) > MAX_TEXT_CHARS
    # A character takes four bytes at most; one megabyte of NULs is still read in bounded time.
    head = raw[: 4 * MAX_TEXT_CHARS]
    text = head.decode("utf-8", "replace")
    if len(head.translate(None, _SUSPECT_BYTES)) != len(head):
        text = scrub(text)
    return text[:MAX_TEXT_CHARS], len(text) > MAX_TEXT_CHARS or len(raw) > len(head)
