r"""Last resorts for a text that no reader knows: what a web page, a tool or a cut left of a record.

- quotation marks written as `\"`, and colour codes that lost their escape character, are undone;
- a JSON record behind a wrapper that is not known is read, if it has a level and a message;
- a JSON record that lost its beginning gives its last fields, and the rest of its message.
Prose gives None.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from parsers.json_lines import DecodedObject, decode_object, read_json_record
from parsers.json_scan import scan_cut_object
from parsers.quoting import unescape
from parsers.reading import Reading
from parsers.tty import strip_colour_rest

_PREFIX_REACH: Final = 400
_ESCAPED_QUOTE: Final = re.compile(r'\w=\\++"')
_TAIL_MEMBER: Final = re.compile(
    r'"\s*+,\s*+"(?:namespace|rollout|level|time|msg|resource|logger|ts|analysisrun)"\s*+:'
)


def undo_wrong_quoting(text: str) -> str | None:
    """Undo escapes that a tool or a web page left around a whole record; None where there are none."""
    if _ESCAPED_QUOTE.search(text, 0, 16):
        return unescape(text)
    if "[" in text and text[0] in "[^\\\u241b\ufffd":
        stripped = strip_colour_rest(text)
        return stripped if stripped != text and stripped else None
    return None


def salvage_json(text: str, hint: datetime | None = None) -> Reading | None:
    """Read a JSON record behind an unknown wrapper, or the end of one; None where the text holds none."""
    start = text.find('{"', 0, _PREFIX_REACH)
    if start > 0:
        decoded = decode_object(text[start:])
        is_record = decoded is not None and {"level", "msg"} <= decoded.members.keys()
        return read_json_record(decoded, hint) if decoded and is_record else None
    tail = _TAIL_MEMBER.search(text)
    if tail is None or start == 0:
        return None
    members = scan_cut_object("{" + text[tail.start() + 1 :])
    members.setdefault("msg", unescape(text[: tail.start()].rpartition('":"')[2]))
    reading = read_json_record(DecodedObject(members, is_cut=True), hint)
    return msgspec.structs.replace(reading, is_cut=True) if reading else None
