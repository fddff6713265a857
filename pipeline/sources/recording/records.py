"""The records of a recording: one a line, JSON, each with its type. docs/recording.md describes them for readers.

A batch of records is what the daemon did between two commits: what was taken, and what was done with it. Two facts keep
a replay from telling anything else than the daemon did: a batch that was not committed is not replayed, and the engine
is asked at the moments at which it was asked.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.seen import ObjectEvent
from parsers.records import Origin
from pipeline.engine.incidents import Incident
from pipeline.store.records import Gap, Quarantined

FORMAT = 1
"""Raised when a reader of the version before would misunderstand what is written."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all records."""


class Began(Record, frozen=True, tag="recording"):
    """A process began to record: the first line of a file, and once more after each restart."""

    format: int
    whystuck: str  # version of the writer
    began_at: datetime


class Standing(Record, frozen=True):
    """Where the daemon stood, and under which settings."""

    at: datetime
    next_lines: dict[str, dict[str, int]]  # behind the last line of each stream that was committed, by source
    positions: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """The first line that is read again, of streams of which lines were held back."""
    controllers: tuple[Origin, ...] = ()  # setting watch.controllers: shell patterns in the fields of an origin
    engine: msgspec.Raw = msgspec.Raw(b"{}")  # settings of the engine, of the writer's version
    silences: tuple[Incident, ...] = ()  # controllers that were or are not heard, as far as they are remembered


class Resumed(Standing, frozen=True, tag="resumed"):
    """The state in memory was loaded from the store: at the start, after a failed commit, after SIGHUP.

    What was recorded since the last commit counts only where `next_lines` says that it reached the store.
    """


class Continued(Standing, frozen=True, tag="continued"):
    """The file before was full, and the daemon goes on in this one; nothing was loaded or forgotten.

    `objects` are for whoever has this file alone: what is known of objects from the files before.
    """

    objects: tuple[ObjectEvent, ...] = ()


class RecordedBlock(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lines of one origin."""

    origin: Origin
    lines: tuple[str, ...]  # redacted
    first_line: int = 1  # number of the first line in its stream; the others follow, unless `line_numbers` says more
    line_numbers: tuple[int, ...] | None = None
    received_at: datetime | None = None


class Read(Record, frozen=True, tag="read"):
    """What one read of a source gave."""

    source: str
    stream: str
    at: datetime  # when it was taken
    next_line: int  # behind the last line
    blocks: tuple[RecordedBlock, ...] = ()
    objects: tuple[ObjectEvent, ...] = ()
    newest_at_seconds: float | None = None  # the broker's or the pod log's time of the last line, since 1970
    quarantined: tuple[Quarantined, ...] = ()
    gaps: tuple[Gap, ...] = ()
    is_over: bool = False  # nothing more will come of the stream


class Released(Record, frozen=True, tag="released"):
    """A stream was silent: what was held back for lines that may belong to it was decided upon."""

    source: str
    stream: str
    at: datetime
    idle_seconds: float  # origins that were silent for as long
    position: int  # the first line that has to be read again now


class Evaluated(Record, frozen=True, tag="evaluated"):
    """Incidents were looked for."""

    advanced_to: datetime | None = None  # time had gone on to this without events; None: as far as events tell


class SilenceTold(Record, frozen=True, tag="silence"):
    """A controller is not heard any more, or is again: nobody can find that out again who has not listened."""

    incident: Incident


class Forgot(Record, frozen=True, tag="forgot"):
    """What was over before a moment was forgotten."""

    before: datetime


class Finished(Record, frozen=True, tag="finished"):
    """`watch --once` has read everything that ever will be."""

    at: datetime


class Committed(Record, frozen=True, tag="committed"):
    """The records since the last commit are in the store."""


class Ended(Record, frozen=True, tag="ended"):
    """The daemon ended in order, and this is the last record of it."""

    at: datetime


AnyRecord = (
    Began | Resumed | Continued | Read | Released | Evaluated | SilenceTold | Forgot | Finished | Committed | Ended
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)
_BEGINNING = b'{"type":"recording","format":'


def encode(record: AnyRecord) -> bytes:
    """A record as its line, line feed included."""
    return _encoder.encode(record) + b"\n"


def decode(line: bytes) -> AnyRecord:
    """The record of a line.

    Raises:
        msgspec.DecodeError: It is none, or of a later format.
    """
    return _decoder.decode(line)


def is_recording(head: bytes) -> bool:
    """Whether a file that begins with `head` (UTF-8) is a recording."""
    return head.startswith(_BEGINNING)
