"""The records that travel down the one path, from bytes to a parsed log record.

Every step has a frozen record of its own; none is changed after it was made. The events that the last
parsing step makes of a `LogRecord` are in `events`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

MAX_TEXT_CHARS = 65_536
"""What is kept of one record's text; longer ones are cut, the cut is marked on the record."""


class Origin(msgspec.Struct, frozen=True, order=True):
    """One stream of lines whose own order is the truth: a file, or a container's log. Empty: not known."""

    source: str = ""  # path, with "!/member" behind an archive; or a topic and partition
    cluster: str = ""
    namespace: str = ""  # where the pod runs that wrote the line
    pod: str = ""
    container: str = ""


class Block(msgspec.Struct, frozen=True):
    """Some megabytes of whole lines of one source, UTF-8 as far as it is text at all."""

    data: bytes  # lines end in "\n", the last one of a stream perhaps not
    origin: Origin
    first_line: int = 1  # number of the first line in its source, from 1
    line_numbers: Sequence[int] | None = None  # one for each line of `data` where they do not follow each other
    received_at: datetime | None = None  # when the source got it: the arrival, or a file's modification time


class SourceLine(msgspec.Struct, frozen=True):
    """One record's text: a physical line, or several that belong together, joined with a line feed."""

    text: str
    line: int  # first physical line, from 1
    line_end: int  # last physical line
    origin: Origin
    received_at: datetime | None = None
    is_cut: bool = False  # longer than MAX_TEXT_CHARS


class Format(enum.Enum):
    """How the innermost record was written."""

    LOGFMT = "logfmt"  # logrus text, Prometheus' logfmt
    JSON = "json"  # logrus JSON, zap JSON, etcd JSON
    TTY = "tty"  # logrus on a terminal: INFO[0001] message  key=value
    KLOG = "klog"  # old and structured
    ZAP_CONSOLE = "zap_console"  # time, level, logger, message, JSON, tab separated
    GO_LOG = "go_log"  # 2006/01/02 15:04:05 message; etcd's capnslog
    BARE = "bare"  # a message and nothing else


class Level(enum.Enum):
    """Severity as the writer gave it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    FATAL = "fatal"
    UNKNOWN = "unknown"


class TimeBasis(enum.Enum):
    """Where the time of a record comes from, best first."""

    RECORD = "record"
    ENVELOPE = "envelope"
    NEIGHBOUR = "neighbour"  # the record before it in its stream
    ARRIVAL = "arrival"  # the broker's time, or the file's
    NONE = "none"


class LogRecord(msgspec.Struct, frozen=True):
    """One log record, out of all its wrappings."""

    message: str
    fields: Mapping[str, str]  # the writer's own fields, values as text; time, level and message are not among them
    level: Level
    format: Format
    origin: Origin  # of the source line, with what the envelope adds
    line: int
    line_end: int
    at: datetime | None = None  # aware, UTC
    time_basis: TimeBasis = TimeBasis.NONE
    since_start_seconds: float | None = None  # logrus on a terminal: seconds since the process started, no time of day
    is_zone_assumed: bool = False  # the text had no zone; UTC was taken
    is_cut: bool = False  # the text ends before the record does


class UnparsedReason(enum.Enum):
    """Why a line could not be read."""

    EMPTY = "empty"
    NOT_TEXT = "not_text"  # mostly bytes that are no text
    BROKEN_ENVELOPE = "broken_envelope"  # JSON or CSV of a shipper that ends too early and holds no message
    NO_MESSAGE = "no_message"  # an object without anything that looks like a log message
    TOO_DEEP = "too_deep"  # nested beyond what any shipper does


class Unparsed(msgspec.Struct, frozen=True):
    """A line that could not be read: counted and shown, never dropped in silence."""

    reason: UnparsedReason
    text: str  # the beginning of it, safe to print
    origin: Origin
    line: int
    line_end: int
