"""Whether controllers are heard: what tells blindness from health, where a log says nothing.

A key that falls silent proves nothing, and nor does a quiet hour: a controller with few rollouts prints a line every
resync. So a controller is silent when it has said nothing for long, and for far longer than it ever did before, while
everything was read that there was. What counts is time spent listening: a restart of whystuck, an outage of the source
or a jump of a clock add nothing to it.

All pods of one controller are one: while another pod leads, or has taken the place of the one before, it is heard.
Where its Lease says who leads, the others stand by: their lines are no sign of life, unless they are of work.
"""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from parsers.records import Origin
from pipeline.engine.incidents import Incident
from pipeline.engine.leaders import Leadership, Role
from pipeline.engine.pod_names import host_of, workload_of

RHYTHM = 3.0
"""Silence is so many times longer than the longest pause before."""
LONGEST_PAUSE = 2.0
"""Of the shortest silence that counts, at most: one outage must not make the next one unheard."""
MAX_SILENCES = 8
"""Kept of one controller: the newest."""
MAX_SET_ASIDE = 16
"""Pods that stand by, of which the newest line is remembered: those heard last."""


class Listening(enum.Enum):
    """How a source is."""

    CAUGHT_UP = "caught_up"  # everything that there was has been read
    BEHIND = "behind"
    AWAY = "away"


class Listened(msgspec.Struct, frozen=True):
    """Some time in which a source was listened to."""

    source: str  # in the configuration
    how: Listening
    seconds: float  # on a clock that does not jump
    until: datetime
    silent_after_seconds: float  # what counts as silence
    oldest_at: datetime  # silence that began before is no news
    problem: str = ""  # of the source


class SilenceKind(enum.Enum):
    """In what way nothing is known of a controller."""

    SILENT = "silent"  # no line
    IDLE = "no_progress"  # lines, and none of work
    AWAY = "source_away"


class ControllerName(msgspec.Struct, frozen=True, order=True):
    """A controller: all its pods, over restarts."""

    source: str
    place: str  # its namespace; where no shipper says that: the stream, without its partition
    is_namespace: bool
    workload: str = ""  # its Deployment, as a namespace may have several; empty: the pod's name does not tell

    @classmethod
    def of(cls, source: str, origin: Origin) -> ControllerName:
        """The controller that an origin belongs to."""
        stream = origin.source.rpartition("/")[0] or origin.source
        return cls(source, origin.namespace or stream, bool(origin.namespace), workload_of(origin.pod))

    def __str__(self) -> str:
        if not self.is_namespace:
            return f"that writes to {self.place}"
        return f"{self.workload} in {self.place}" if self.workload not in ("", self.place) else f"in {self.place}"


class Rhythm(msgspec.Struct):
    """Pauses between signs, in seconds of listening."""

    pause: float = 0.0  # that goes on
    longest: float = 0.0  # of those that ended

    def sign(self) -> None:
        """The pause has ended."""
        self.longest = max(self.longest, self.pause)
        self.pause = 0.0

    def is_broken(self, after_seconds: float) -> bool:
        """Whether the pause is none of the usual ones."""
        usual = min(self.longest, LONGEST_PAUSE * after_seconds)
        return self.pause >= max(after_seconds, RHYTHM * usual)


class Silence(msgspec.Struct):
    """A silence, as it is told."""

    kind: SilenceKind
    incident: Incident  # in its newest revision

    @property
    def is_over(self) -> bool:
        """Whether it was heard of again."""
        return self.incident.status != "open"


class Hearing(msgspec.Struct):
    """What is known of one controller."""

    name: ControllerName
    origin: Origin  # the one that spoke last
    first_at: datetime
    heard_at: datetime
    worked_at: datetime | None = None
    listened_seconds: float = 0.0
    away_seconds: float = 0.0
    lines: Rhythm = msgspec.field(default_factory=Rhythm)
    work: Rhythm = msgspec.field(default_factory=Rhythm)
    silences: list[Silence] = msgspec.field(default_factory=list)
    leader: str = ""  # the holder of its Lease; empty: not known
    set_aside: dict[Origin, datetime] = msgspec.field(default_factory=dict)  # newest lines of pods that stood by

    @property
    def silence(self) -> Silence | None:
        """The one that goes on."""
        newest = self.silences[-1] if self.silences else None
        return newest if newest is not None and not newest.is_over else None

    def hear(self, origin: Origin, at: datetime, *, is_work: bool) -> None:
        """It has printed something."""
        self.origin, self.heard_at = origin, max(at, self.heard_at)
        self.away_seconds = 0.0
        if self.silence is not None and self.silence.kind is not SilenceKind.IDLE:
            self.work.pause = 0.0  # it has only just come back, and needs a moment to work
        self.lines.sign()
        if is_work:
            self.worked_at = at if self.worked_at is None else max(at, self.worked_at)
            self.work.sign()

    def hear_standby(self, origin: Origin, at: datetime) -> None:
        """One of its pods that does not lead has printed something."""
        self.set_aside[origin] = max(at, self.set_aside.pop(origin, at))
        for oldest in list(self.set_aside)[:-MAX_SET_ASIDE]:
            del self.set_aside[oldest]

    def note_leader(self, leadership: Leadership) -> None:
        """Who leads, as far as it is known now. Who has just begun to lead has as much time as a new one."""
        if leadership.role is Role.UNKNOWN or leadership.holder == self.leader:
            return
        is_change, self.leader = bool(self.leader), leadership.holder
        for origin, at in list(self.set_aside.items()):
            # Its first lines as the leader may have come before the Lease did.
            if host_of(origin.pod) == leadership.host and (leadership.since is None or at >= leadership.since):
                del self.set_aside[origin]
                self.hear(origin, at, is_work=False)
        if is_change and self.silence is None:
            self.rest()

    def rest(self) -> None:
        """Nothing is expected of it now."""
        self.lines.pause = self.work.pause = 0.0

    def listen(self, listened: Listened) -> SilenceKind | None:
        """It was listened to and has said nothing; says what that is by now."""
        after = listened.silent_after_seconds
        if listened.how is Listening.AWAY:
            self.away_seconds += listened.seconds
            return SilenceKind.AWAY if self.away_seconds >= after else None
        if listened.how is Listening.BEHIND:
            return None
        self.away_seconds = 0.0
        self.listened_seconds += listened.seconds
        self.lines.pause += listened.seconds
        self.work.pause += listened.seconds
        if not self._is_known_for(after):
            return None
        if self.lines.is_broken(after):
            return SilenceKind.SILENT if self.heard_at >= listened.oldest_at else None
        if self.worked_at is not None and self.work.is_broken(after):
            return SilenceKind.IDLE if self.worked_at >= listened.oldest_at else None
        return None

    def _is_known_for(self, seconds: float) -> bool:
        """Whether it was heard for so long, on our clock or on its own, that its silence means something."""
        heard_seconds = (self.heard_at - self.first_at).total_seconds()
        return max(heard_seconds, self.listened_seconds - self.lines.pause) >= seconds

    def goes_on(self, kind: SilenceKind) -> bool:
        """Whether nothing contradicts a silence."""
        match kind:
            case SilenceKind.SILENT:
                return self.lines.pause > 0
            case SilenceKind.IDLE:
                return self.work.pause > 0
            case SilenceKind.AWAY:
                return self.away_seconds > 0

    def note(self, silence: Silence) -> None:
        """A silence has begun."""
        self.silences.append(silence)
        del self.silences[:-MAX_SILENCES]

    def forget(self, before: datetime) -> None:
        """Forget silences that ended before a moment."""
        self.silences = [
            one for one in self.silences if one.incident.resolved_at is None or one.incident.resolved_at >= before
        ]

    def is_forgotten(self, before: datetime) -> bool:
        """Whether it was heard for the last time long ago, and no silence of it is known."""
        return self.heard_at < before and not self.silences
