r"""Long lines that a container runtime or a shipper wrote in parts.

Sources: CRI (tag `P` for a part, `F` for the last or only one; containerd splits at 16 KiB, CRI-O at 8 KiB); Docker's
json-file driver (a part's `log` does not end in `\n`; it splits at 16 KiB of text) and its fluentd, journald and other
drivers (`partial_message`, `partial_last`); Fluent Bit (`logtag`, `_p`); Vector (`_partial`).
These functions look at raw bytes and are called for many lines, so they decode nothing. A line that no part is known
of is whole.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Final


class Partial(enum.Enum):
    """What a physical line says about being a part of a longer one."""

    WHOLE = "whole"  # nothing is said
    PARTIAL = "partial"  # more follows
    LAST_OR_WHOLE = "last_or_whole"  # nothing follows; parts may stand before it


_CRI: Final = re.compile(
    rb"(?P<head>\d{4}-\d\d-\d\dT\S{9,30} (?:stdout|stderr) )(?P<tag>[FP])(?P<more>(?::\S{1,40})? )"
)
_SHORTEST_DOCKER_PART: Final = 16_000
_DOCKER_END: Final = re.compile(
    rb'(?P<feed>\\n)?"\s?,\s?"stream"\s?:\s?"(?:stdout|stderr)"[^"]{0,3}(?:,"attrs":\{[^}]{0,2000}\})?'
    rb',\s?"time"\s?:\s?"[^"]{1,40}"\s?\}\s*$'
)
_DOCKER_TAIL: Final = 2_300
_SAYS_PARTIAL: Final = re.compile(
    rb'"(?:logtag|_p)"\s?:\s?"P"|"(?:_partial|partial_message|partial|CONTAINER_PARTIAL_MESSAGE)"\s?:\s?"?true'
)
_SAYS_LAST: Final = re.compile(rb'"(?:partial_last|CONTAINER_PARTIAL_LAST)"\s?:\s?"?true|"(?:logtag|_p)"\s?:\s?"F"')
_TEXT: Final = re.compile(rb'"(?:log|message|MESSAGE)"\s?:\s?"(?P<body>[^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_TAG: Final = re.compile(rb'("(?:logtag|_p)"\s?:\s?)"P"')


def partial_of(raw: bytes) -> Partial:
    """Tell whether a physical line is a part of a longer one, as far as its wrapper says so."""
    first = raw[:1]
    if first == b"{":
        return _partial_of_json(raw)
    if not first.isdigit():
        return Partial.WHOLE
    match = _CRI.match(raw)
    if match is None:
        return Partial.WHOLE
    return Partial.PARTIAL if match["tag"] == b"P" else Partial.LAST_OR_WHOLE


def join_parts(parts: Sequence[bytes]) -> bytes:
    """Join the parts of a line into one line of the same wrapper; no text is lost where a part has another one."""
    if len(parts) < 2:
        return b"".join(parts)
    first = _CRI.match(parts[0])
    if first is not None:
        texts = [part[match.end() :] if (match := _CRI.match(part)) else part for part in parts]
        return first["head"] + b"F" + first["more"] + b"".join(text.rstrip(b"\r\n") for text in texts)
    return _join_json(parts)


def _partial_of_json(raw: bytes) -> Partial:
    if len(raw) >= _SHORTEST_DOCKER_PART and (match := _DOCKER_END.search(raw, len(raw) - _DOCKER_TAIL)):
        return Partial.LAST_OR_WHOLE if match["feed"] else Partial.PARTIAL
    if b'"logtag"' not in raw and b"partial" not in raw and b'"_p"' not in raw and b"PARTIAL" not in raw:
        return Partial.WHOLE
    if _SAYS_LAST.search(raw):
        return Partial.LAST_OR_WHOLE
    return Partial.PARTIAL if _SAYS_PARTIAL.search(raw) else Partial.WHOLE


def _join_json(parts: Sequence[bytes]) -> bytes:
    first = _TEXT.search(parts[0])
    if first is None:
        return b"\n".join(parts)
    bodies = [match["body"] if (match := _TEXT.search(part)) else b"" for part in parts]
    strangers = [part for part, body in zip(parts, bodies, strict=True) if not body]
    whole = parts[0][: first.start("body")] + b"".join(bodies) + parts[0][first.end("body") :]
    return b"\n".join((_TAG.sub(rb'\1"F"', whole), *strangers))
