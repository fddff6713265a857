"""What the engine remembers, as parts that can be stored one by one: a part is written when something in it changed.

A part's name is its kind and a digest of whose it is; whose it is stands in the part itself.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from parsers.events import ObjectKey
from parsers.facts.references import ObjectRef
from parsers.records import Origin
from pipeline.engine.analysis_watch import AnalysisMemory
from pipeline.engine.creations import CreationHistory
from pipeline.engine.drift_track import DriftMemory
from pipeline.engine.hearing import ControllerName, Hearing
from pipeline.engine.incidents import Incident
from pipeline.engine.object_memory import ObjectMemory
from pipeline.engine.origins import OriginState
from pipeline.engine.outages import OutageMemory
from pipeline.engine.seen import SeenFailure
from pipeline.engine.streaks import Track


class EnginePart(msgspec.Struct, frozen=True):
    """One part of a cluster's state, encoded. `value` is None where the part is gone."""

    cluster: str
    name: str
    value: bytes | None


class KeyMemory(msgspec.Struct, frozen=True, tag="key"):
    """How one key fared."""

    key: ObjectKey
    tracks: dict[Origin, Track]
    has_failed: bool


class OriginMemory(msgspec.Struct, frozen=True, tag="origin"):
    """What one origin showed about itself."""

    origin: Origin
    state: OriginState


class SeenMemory(msgspec.Struct, frozen=True, tag="seen"):
    """One kind of failure without a key, of one origin and episode."""

    episode: int
    seen: SeenFailure


class HearingMemory(msgspec.Struct, frozen=True, tag="hearing"):
    """Whether one controller is heard."""

    hearing: Hearing


class CreationMemory(msgspec.Struct, frozen=True, tag="creation"):
    """Pods that could not be created, of one ReplicaSet or Rollout."""

    ref: ObjectRef
    history: CreationHistory
    counted: dict[str, tuple[int, datetime | None]]  # count and last time of each Event about it


class IncidentMemory(msgspec.Struct, frozen=True, tag="incident"):
    """An incident as it was told last, or as it waits to be told, and what it is known again by."""

    incident: Incident
    marks: frozenset[tuple[str, datetime]]
    is_waiting: bool
    is_withdrawn: bool
    is_settled: bool


class ClusterMemory(msgspec.Struct, frozen=True, tag="cluster"):
    """What there is once for a cluster."""

    now: datetime | None
    is_dirty: bool  # something came that no evaluation has seen
    evicted_count: int
    unread: dict[str, str] = {}  # kinds of objects that cannot be read, and why
    numbers_until: datetime | None = None  # up to then the numbers of Rollouts were looked at


Memory = (
    KeyMemory
    | OriginMemory
    | SeenMemory
    | HearingMemory
    | ObjectMemory
    | CreationMemory
    | DriftMemory
    | AnalysisMemory
    | OutageMemory
    | IncidentMemory
    | ClusterMemory
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Memory] = msgspec.msgpack.Decoder(Memory)


def encode(memory: Memory) -> bytes:
    """The stored form."""
    return _encoder.encode(memory)


def decode(value: bytes) -> Memory:
    """The part in its stored form.

    Raises:
        msgspec.DecodeError: It was written by a version that had other parts.
    """
    return _decoder.decode(value)


def name_of(kind: str, owner: ObjectKey | Origin | ObjectRef | ControllerName | str | tuple[object, ...]) -> str:
    """The name of a part; short, whatever its owner is called."""
    return f"{kind}/{hashlib.sha256(_encoder.encode(owner)).hexdigest()[:32]}"
