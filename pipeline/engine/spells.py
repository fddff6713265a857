"""A key's trouble over all origins, and the rule that says when it is running away.

Everything here is a pure function of the tracks, so the answer cannot depend on the order in which origins were fed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from parsers.records import Origin
from pipeline.engine.backoff import Pace, pace_of, seconds_until, wait_after
from pipeline.engine.blocks import FREE, Blocks, settle
from pipeline.engine.settings import RunawayRule
from pipeline.engine.streak import EndReason, Streak
from pipeline.engine.streaks import Track
from pipeline.engine.tallies import Tally

ESTIMATE_FROM_SECONDS = 5.0
"""An onset this much before the first failure line is worth an estimate; less is the noise of events."""
LONGEST_ESTIMATE_SECONDS = 366 * 86_400.0
"""No process runs for longer: a count that would need more was never printed by a controller."""


class Spell(msgspec.Struct, frozen=True):
    """A key failing without a success in between, over restarts and changes of the leader."""

    streaks: tuple[Streak, ...]  # by time; those of several origins may overlap
    ended_at: datetime | None
    end: EndReason | None
    passed_at: datetime | None = None  # a pass after the last failure, of which it is not certain yet that it succeeded

    @property
    def first_at(self) -> datetime:
        """The first failure that was read."""
        return self.streaks[0].first_at

    @property
    def last_at(self) -> datetime:
        """The last failure that was read."""
        return max(streak.last_at for streak in self.streaks)

    @property
    def newest(self) -> Streak:
        """The streak that tells how it stands: the one with the last failure."""
        return max(self.streaks, key=lambda streak: (streak.last_at, streak.ended_at is None, streak.origin))

    @property
    def failures(self) -> int:
        """Failed attempts that were read."""
        return sum(streak.failures for streak in self.streaks)

    @property
    def is_blocked(self) -> bool:
        """Whether pods cannot be created."""
        return any(streak.is_blocked for streak in self.streaks)

    @property
    def lasts(self) -> bool:
        """Whether a condition holds that lasts until it is taken back."""
        return any(streak.lasts for streak in self.streaks)

    @property
    def sampled_until(self) -> datetime | None:
        """How late a snapshot may have seen it go on, where nothing but snapshots tells; None: logs or Events do."""
        times = [streak.sampled_until for streak in self.streaks]
        return max((at for at in times if at is not None), default=None) if None not in times else None

    @property
    def max_count(self) -> int | None:
        """The highest printed count, over restarts."""
        return max((streak.max_count for streak in self.streaks if streak.counts_seen), default=None)

    @property
    def last_count(self) -> int | None:
        """The last printed count."""
        counted = [streak for streak in self.streaks if streak.last_count_at is not None]
        return max(counted, key=lambda streak: streak.last_count_at or streak.last_at).last_count if counted else None

    def tallies(self) -> list[Tally]:
        """Every kind of failure of the spell; the same kind may stand once for each streak."""
        return [tally for streak in self.streaks for tally in streak.tallies.values()]


def fold_tracks(tracks: Mapping[Origin, Track], now: datetime, blocks: Blocks = FREE) -> list[Spell]:
    """The spells of a key, oldest first, as they look at `now`; `blocks` are those of its ReplicaSets."""
    own = [streak for track in tracks.values() for streak in _streaks_of(track, now)]
    streaks = sorted(
        settle([*own, *blocks.streaks], blocks.recovered_at),
        key=lambda streak: (streak.first_at, streak.last_at, streak.origin),
    )
    passes = sorted(at for track in tracks.values() for at in (*track.passes, *track.passes_by(now)))
    spells: list[Spell] = []
    current: list[Streak] = []
    for streak in streaks:
        if current and _end_of(current, passes, before=streak.first_at) is not None:
            spells.append(_spell(current, passes, streak.first_at))
            current = []
        current.append(streak)
    if current:
        newest = _spell(current, passes, None)
        pending = (track.completed_at for track in tracks.values() if track.completed_at is not None)
        passed_at = min((at for at in pending if at > newest.last_at), default=None)
        spells.append(msgspec.structs.replace(newest, passed_at=passed_at) if passed_at is not None else newest)
    return spells


def _streaks_of(track: Track, now: datetime) -> list[Streak]:
    """The streaks of a track; a pass that nothing has contradicted for a while has ended the last one."""
    streak = track.open_streak
    passed = track.passes_by(now)
    if streak is None or streak.is_blocked or not passed:
        return track.streaks
    ended_at = max(passed[0], streak.last_at)
    return [*track.streaks[:-1], msgspec.structs.replace(streak, ended_at=ended_at, end=EndReason.PASSED)]


def _spell(streaks: list[Streak], passes: list[datetime], before: datetime | None) -> Spell:
    end = _end_of(streaks, passes, before=before)
    return Spell(streaks=tuple(streaks), ended_at=end[0] if end else None, end=end[1] if end else None)


def _end_of(
    streaks: Sequence[Streak], passes: list[datetime], *, before: datetime | None
) -> tuple[datetime, EndReason] | None:
    """When and why the trouble of some streaks ended: by the end of the last, or a pass in another origin after it."""
    blocks = [streak for streak in streaks if streak.is_blocked]
    if any(streak.ended_at is None for streak in blocks):
        return None
    last = max(streaks, key=lambda streak: (streak.last_at, streak.ended_at is None, streak.origin))
    ends = [(one.ended_at, one.end) for one in (last, *blocks) if one.ended_at is not None and one.end is not None]
    if last.ended_at is not None and ends:
        ended_at, end = max(ends, key=lambda one: one[0])
        if before is None or ended_at <= before:
            return ended_at, end
    for at in passes:
        if at > last.last_at and (before is None or at <= before):
            return at, EndReason.PASSED
    return None


class Onset(msgspec.Struct, frozen=True):
    """When a spell began."""

    at: datetime
    is_estimate: bool


def onset_of(spell: Spell) -> Onset:
    """When the trouble began: the first failure, or earlier where the log begins in the middle of it."""
    first = spell.streaks[0]
    return _onset(first, stretch=_stretch(first), longest_gap_seconds=first.longest_gap_seconds)


def onset_for_rule(spell: Spell) -> datetime:
    """When the trouble began, as its first count alone tells.

    What comes later may better the estimate, but must not move the moment at which the key ran away: an incident's id
    is made of it.
    """
    return _onset(spell.streaks[0], stretch=1.0, longest_gap_seconds=0.0).at


def _onset(first: Streak, *, stretch: float, longest_gap_seconds: float) -> Onset:
    seen = Onset(first.first_at, is_estimate=False)
    seconds = seconds_until(first.first_count) * stretch
    if first.first_count_at is None or seconds > LONGEST_ESTIMATE_SECONDS:
        return seen
    if _is_beginning_seen(first, longest_gap_seconds):
        return seen
    estimate = first.first_count_at - timedelta(seconds=seconds)
    if first.zero_at is not None:
        estimate = max(estimate, first.zero_at)
    return seen if (first.first_at - estimate).total_seconds() < ESTIMATE_FROM_SECONDS else Onset(estimate, True)


def _is_beginning_seen(streak: Streak, longest_gap_seconds: float) -> bool:
    """Whether an earlier failure of the key would have been read: its origin was watched for longer than one wait."""
    if streak.watched_since is None:
        return False
    wait = max(wait_after(streak.first_count - 1), longest_gap_seconds)
    return (streak.first_at - streak.watched_since).total_seconds() > 1.5 * wait


def _stretch(streak: Streak) -> float:
    """How much slower than the bare back-off the count rises here, from two lines of it; at least 1."""
    slope = retries_per_second(streak)
    if slope is None or slope <= 0 or pace_of(slope, streak.last_count) is not Pace.SLOW:
        return 1.0
    return max(1.0, 1.0 / (slope * wait_after(streak.last_count)))


def retries_per_second(streak: Streak) -> float | None:
    """The slope of the count in the newest process, None before two lines of it."""
    if streak.slope_at is None or streak.last_count_at is None or streak.last_count <= streak.slope_count:
        return None
    seconds = (streak.last_count_at - streak.slope_at).total_seconds()
    return (streak.last_count - streak.slope_count) / seconds if seconds >= 1 else None


def runaway_at(spell: Spell, rule: RunawayRule, now: datetime, *, shows_passes: bool) -> datetime | None:
    """When the spell became a runaway by the rule, None where it did not (yet).

    `shows_passes`: healthy passes are visible in the log, so that silence counts as no success; elsewhere the
    trouble is known to have lasted only up to its last line.
    """
    onset_at = onset_for_rule(spell)
    until = spell.last_at
    if shows_passes or spell.lasts:
        until = max(until, spell.ended_at or spell.passed_at or now)
    if spell.sampled_until is not None:
        until = spell.last_at if spell.ended_at is not None else max(until, spell.sampled_until)
    candidates = [
        at
        for at in (_failing_long(spell, rule, onset_at), _count_high(spell, rule, onset_at))
        if at is not None and at <= until
    ]
    return min(candidates, default=None)


def _failing_long(spell: Spell, rule: RunawayRule, onset_at: datetime) -> datetime | None:
    long_enough_at = onset_at + timedelta(seconds=rule.failing_seconds)
    if spell.lasts:
        return max(long_enough_at, spell.first_at)
    if spell.failures < rule.min_failures:
        return None
    failed_at = sorted(at for streak in spell.streaks for at in streak.failed_at)
    enough_at = failed_at[rule.min_failures - 1] if len(failed_at) >= rule.min_failures else spell.last_at
    return max(long_enough_at, enough_at, spell.first_at)


def _count_high(spell: Spell, rule: RunawayRule, onset_at: datetime) -> datetime | None:
    high_at = min((streak.high_at for streak in spell.streaks if streak.high_at is not None), default=None)
    if high_at is None:
        return None
    return max(high_at, onset_at + timedelta(seconds=rule.retries_seconds))


def expected_wait(spell: Spell) -> float:
    """Seconds until the next attempt can be expected: the back-off, or what the log itself has shown."""
    last = spell.newest
    shown = last.longest_gap_seconds
    return max(wait_after(last.last_count) if last.last_count_at is not None else 0.0, shown, 10.0)


def is_presumed_over(spell: Spell, now: datetime, stale_seconds: float) -> bool:
    """Whether silence has lasted so long that, where passes cannot be seen, the trouble is presumed to be over."""
    silent_seconds = (now - spell.last_at).total_seconds()
    return silent_seconds > max(stale_seconds, 3 * expected_wait(spell))
