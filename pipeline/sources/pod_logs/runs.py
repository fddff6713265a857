"""What a pod's status and the times of lines prove of the runs of a container.

A kubelet serves the logs of the runs that its own status names, and writes that status to the API server afterwards.
So what the API server says may be late, but a run that it calls finished is finished, and the log that is served is of
that run or of a later one. Lines and status have the clock of one node; a status has whole seconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from pipeline.sources.pod_logs.pods import RunState, moment_of
from pipeline.sources.pod_logs.positions import Run

HEAD_SECONDS: Final = 10.0
"""Where the oldest line that is kept is so much younger than its run, others were probably before it: controllers print
within a second. A kubelet looks every ten seconds which logs are to be rotated. Source: kubernetes v1.30,
pkg/kubelet/logs/container_log_manager.go."""


class FinishedRun(msgspec.Struct, frozen=True):
    """A run that was read to its end: its log was asked for when it had ended, and had nothing new."""

    state: RunState
    last: Run


class Beginning(msgspec.Struct, frozen=True):
    """What is known of a run whose log is read from its first line on."""

    state: RunState
    is_previous: bool  # of the run before the newest one
    within: RunState | None = None  # the run that it has to be of

    def is_other(self, first: Run) -> bool:
        """Whether the first line is of another run than it has to be."""
        return self.within is not None and not is_within(first, self.within)

    def missing(self, first: Run, before: Run | None) -> str:
        """What to say of lines that were there before the first one; empty: nothing shows that there were any."""
        started_at = self.state.previous_started_at if self.is_previous else self.state.started_at
        return missing_head(first, started_at, before)


def missing_head(first: Run, started_at: datetime | None, before: Run | None) -> str:
    """What to say of lines before the first one of a run; empty: nothing shows that there were any.

    Args:
        first: the first line that is kept.
        started_at: of the run, as the newest status has it.
        before: last line of the run before, if it is known: a run that began earlier is not this one.
    """
    at, last_at = moment_of(first.at), moment_of(before.at) if before is not None else None
    if at is None or started_at is None or (last_at is not None and started_at < last_at.replace(microsecond=0)):
        return ""
    seconds = (at - started_at).total_seconds()
    if seconds <= HEAD_SECONDS:
        return ""
    return (
        f"the log was rotated before it was read: its oldest line is {seconds:.0f} s younger than the container's start"
    )


def is_late(finished: FinishedRun | None, last: Run, state: RunState) -> bool:
    """Whether the status does not know yet which run has come behind the one that was read to its end."""
    if finished is None or not finished.last.is_like(last):
        return False
    count = state.restarts - finished.state.restarts
    return count == 0 or (count == 1 and not state.is_finished)


def is_next(finished: FinishedRun | None, last: Run, state: RunState) -> bool:
    """Whether the newest run is the one right behind that which was read to its end, and has ended, too.

    The line read last is older than this run, so it is of the one before.
    """
    if finished is None or not finished.last.is_like(last) or not state.is_finished:
        return False
    at = moment_of(last.at)
    if at is None or state.started_at is None or state.restarts != finished.state.restarts + 1:
        return False
    return at.replace(microsecond=0) < state.started_at


def is_within(line: Run, state: RunState) -> bool:
    """Whether a line is certainly of the newest run, which has ended."""
    at = moment_of(line.at)
    if at is None or state.started_at is None or state.finished_at is None:
        return False
    return state.started_at <= at.replace(microsecond=0) < state.finished_at
