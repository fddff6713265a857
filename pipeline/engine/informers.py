"""Whether a controller may not see how an object is by now, because its informer is behind: a suspicion, never more.

No line says that an informer is behind. What can be seen: the API has a newer version than the status tells of, the
controller is heard, and it says nothing of the object. A controller that is not heard at all is another story
(`silences`), and so is one that fails at the object (`grouping`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime

import msgspec

from parsers.events import ObjectKey
from pipeline.engine.clusters import ClusterState
from pipeline.engine.generations import GenerationSeen
from pipeline.engine.incidents import WeighedPoint
from pipeline.engine.phrases import moment_text


class Verdict(enum.Enum):
    """What the controller's log says about a status that was not written."""

    SUSPECTED = "suspected"
    NOT_READ = "not_read"  # no controller's log is read
    NOT_HEARD = "not_heard"  # nothing was heard of the controller since then
    FAILING = "failing"  # it fails at the object, and says so
    HAS_SEEN = "has_seen"  # it synced the newest generation


class ControllerView(msgspec.Struct, frozen=True):
    """What the logs of a cluster's controllers show of one object, and of the others."""

    verdict: Verdict
    heard_at: datetime | None = None  # the newest line of any of them
    others_at: datetime | None = None  # the newest pass of another object
    last_pass: GenerationSeen | None = None  # of the object, with the newest generation


def view_of(state: ClusterState, key: ObjectKey, generation: int | None, quiet_from: datetime) -> ControllerView:
    """Look at the logs.

    Args:
        state: of the cluster.
        key: whose status was not written.
        generation: of the object, as the API has it.
        quiet_from: a controller that was heard later than this could have said something of the object.
    """
    controllers = [origin for origin, one in state.origins.items() if one.is_controller]
    if not controllers:
        return ControllerView(Verdict.NOT_READ)
    tracks = state.keys.get(key, {})
    passes = [seen for track in tracks.values() for seen in track.generations]
    last_pass = max(passes, default=None)
    heard_at = max(state.heard_until(origin) for origin in controllers)
    others = [one.last_pass_at for one in state.origins.values() if one.last_pass_at is not None]
    return ControllerView(
        verdict=_verdict(state, key, generation, last_pass, heard_at, quiet_from),
        heard_at=heard_at,
        others_at=max(others, default=None),
        last_pass=last_pass,
    )


def _verdict(
    state: ClusterState,
    key: ObjectKey,
    generation: int | None,
    last_pass: GenerationSeen | None,
    heard_at: datetime,
    quiet_from: datetime,
) -> Verdict:
    if any(track.open_streak is not None for track in state.keys.get(key, {}).values()):
        return Verdict.FAILING
    if last_pass is not None and generation is not None and last_pass.generation >= generation:
        return Verdict.HAS_SEEN
    return Verdict.SUSPECTED if heard_at > quiet_from else Verdict.NOT_HEARD


def points_for(view: ControllerView, what: str, since: datetime) -> Iterator[WeighedPoint]:
    """What speaks for an informer that is behind."""
    yield WeighedPoint("status_disagrees", f"{what}, since {moment_text(since)}")
    if view.others_at is not None and view.others_at > since:
        yield WeighedPoint(
            "others_are_synced",
            f"the controller worked on other objects, the last time at {moment_text(view.others_at)}",
        )
    elif view.heard_at is not None:
        yield WeighedPoint("controller_is_heard", f"the controller wrote lines until {moment_text(view.heard_at)}")
    if view.last_pass is None:
        yield WeighedPoint("no_pass_of_it", "no pass of it was read since then, and no error")
    else:
        text = (
            f"the newest generation in its passes is {view.last_pass.generation}, of {moment_text(view.last_pass.at)}"
        )
        yield WeighedPoint("older_generation", text)


def points_against() -> Iterator[WeighedPoint]:
    """What speaks against it, always: nothing says so."""
    text = (
        "no line says that an informer is behind: a queue that is long, a controller that is for other objects "
        "(--instance-id, --namespace), or lines that were lost on the way look the same"
    )
    yield WeighedPoint("not_visible", text)
