"""Which format a text is in, by its first characters; the first reader that knows it wins.

Order matters: formats with a strict header come first, then what is left of damaged lines, then the bare message.
JSON objects are not looked at here: they may be envelopes, see `envelope_json`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from parsers.go_log import read_capnslog, read_envoy, read_go_log
from parsers.klog import read_headless_structured, read_klog
from parsers.logfmt import read_logfmt, salvage_logfmt
from parsers.quoting import undo_leftover_escapes
from parsers.reading import Reading
from parsers.records import Format
from parsers.salvage import salvage_json, undo_wrong_quoting
from parsers.tty import read_headless_tty, read_tty
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
    undone = undo_wrong_quoting(text)
    if undone is not None and undone != text:
        return recognise(undone, hint)
    reading = read_klog(text, hint)
    if reading is None and "=" in text:
        reading = (
            read_headless_structured(text)
            or read_logfmt(text, hint)
            or salvage_logfmt(text, hint)
            or read_headless_tty(text)
        )
    if reading is None and '":' in text:
        reading = salvage_json(text, hint)
    return reading
