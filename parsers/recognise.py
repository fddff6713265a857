"""Which format a text is in, by its first characters; the first reader that knows it wins.

Order matters: formats with a strict header come first, then what is left of damaged lines, then the bare message.
JSON objects are not looked at here: they may be envelopes, see `envelope_json`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from parsers.go_log import read_capnslog, read_envoy, read_go_log
from parsers.klog import read_headless_structured, read_klog
from parsers.logfmt import read_logfmt, salvage_logfmt
from parsers.quoting import undo_leftover_escapes, unescape
from parsers.reading import Reading
from parsers.records import Format
from parsers.text import scrub
from parsers.tty import read_headless_tty, read_tty, strip_colour_rest
from parsers.zap import read_hclog, read_zap_console

Reader = Callable[[str, datetime | None], Reading | None]

_LOGFMT: Final[tuple[Reader, ...]] = (read_logfmt,)
_LETTERS: Final[tuple[Reader, ...]] = (read_klog, read_tty, read_go_log)
_DATES: Final[tuple[Reader, ...]] = (read_zap_console, read_hclog, read_go_log, read_capnslog)
_BY_FIRST_CHARACTER: Final[dict[str, tuple[Reader, ...]]] = (
    dict.fromkeys("tl", _LOGFMT)
    | dict.fromkeys("IWEFDPT", _LETTERS)
    | dict.fromkeys("0123456789", _DATES)
    | {"[": (read_envoy,)}
)

_RECORD_START: Final = re.compile(
    r"""
      \{\s*\\?" | time=\\?" | (?:time|ts|level)=\S | [IWEFD]\d{4}\ (?:\d\d:|\S+\.go:)
    | (?:INFO|WARN|ERRO|FATA|DEBU|PANI|TRAC)\[ | \d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d
    | \[(?:pod/|\d{4}-\d\d-\d\d) | [\w.\-]{1,60}\.go:\d{1,6}\]\  | \d\.\d{5,17}e\+?\d\d\s
    """,
    re.VERBOSE,
)
_HTML_QUOTE: Final = re.compile(r"=&(?:quot|#34);")


def looks_like_record(text: str) -> bool:
    """Tell whether a text begins like a log record, or like another wrapper around one."""
    return _RECORD_START.match(text) is not None


def recognise(text: str, hint: datetime | None = None) -> Reading:
    """Read a text in whatever format it is; what matches nothing is a bare message."""
    for reader in _BY_FIRST_CHARACTER.get(text[:1], ()):
        reading = reader(text, hint)
        if reading is not None:
            return reading
    return _read_damaged(text, hint) or Reading(undo_leftover_escapes(text), Format.BARE)


def _read_damaged(text: str, hint: datetime | None) -> Reading | None:
    undone = _undo_wrong_quoting(text)
    if undone is not None:
        return recognise(undone, hint)
    return read_klog(text, hint) or (_read_pairs(text, hint) if "=" in text else None)


def _read_pairs(text: str, hint: datetime | None) -> Reading | None:
    return (
        read_headless_structured(text)
        or salvage_logfmt(text, hint)
        or read_headless_tty(text)
        or read_logfmt(text, hint)
    )


def _undo_wrong_quoting(text: str) -> str | None:
    """Undo escapes that a tool or a web page left around a whole record; None where there are none."""
    if '=\\"' in text and text.startswith(("time=\\", "level=", "ts=")):
        return unescape(text)
    if "&" in text and _HTML_QUOTE.search(text):
        return scrub(html.unescape(text))
    if "[" in text and text[0] in "[^\\\u241b\ufffd":
        stripped = strip_colour_rest(text)
        return stripped if stripped != text and stripped else None
    return None
