"""Which passes and patches of a log are worth parsing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parsers.events import (
    ControllerStarted,
    Event,
    Failure,
    ObjectKey,
    ReplicasBlocked,
    SyncCompleted,
    SyncFailed,
)
from parsers.passes import PASSES_KEPT, PassInterest
from parsers.records import Origin

AT = datetime(2026, 3, 1, tzinfo=UTC)
LOG = Origin(source="log")
WEB = ObjectKey("rollout", "shop", "web")
FAILURE = Failure("tls.expired", "", "x")

PASS = b'level=info msg="Reconciliation completed" namespace=shop rollout=web'
PATCH = b'level=info msg="Patched: {}" namespace=shop rollout=web'
WRAPPED = {
    "logfmt": PASS,
    "JSON": b'{"msg":"Reconciliation completed","namespace":"shop","rollout":"web"}',
    "JSON in JSON": rb'{"log":"{\"msg\":\"Reconciliation completed\",\"namespace\":\"shop\",\"rollout\":\"web\"}"}',
    "labels before it": b'{"namespace":"argo-rollouts","service":"argo-rollouts","line":"'
    + PASS.replace(b'"', b'\\"')
    + b'"}',
    "labels behind it": b'{"line":"' + PASS.replace(b'"', b'\\"') + b'","namespace":"argo-rollouts","service":"x"}',
}


def _failed(origin: Origin = LOG) -> SyncFailed:
    return SyncFailed(AT, origin, 1, WEB, FAILURE)


def _passed(origin: Origin = LOG) -> SyncCompleted:
    return SyncCompleted(AT, origin, 1, WEB)


def _interest(*events: Event) -> PassInterest:
    """An interest that has seen enough healthy passes of every wrapping, then these events."""
    interest = PassInterest()
    for raw in WRAPPED.values():
        while interest.is_wanted(raw):
            pass
    for event in events:
        interest.note(event)
    return interest


def test_first_passes_of_a_key_are_wanted() -> None:
    """They show that passes can be seen at all, and that the key was healthy."""
    interest = PassInterest()
    assert [True] * PASSES_KEPT + [False] == [interest.is_wanted(PASS) for _ in range(PASSES_KEPT + 1)]


@pytest.mark.parametrize(
    "written",
    [b"generation=%d", b'"generation":%d', rb"\"generation\":%d", b'"generation":"%d"'],
    ids=["logfmt", "JSON", "JSON in JSON", "as text"],
)
def test_first_pass_with_a_new_generation_is_wanted(written: bytes) -> None:
    """Also of a healthy key: it tells when an edit was noticed."""
    interest = PassInterest()
    passes = [PASS + b" " + written % generation for generation in (4, 4, 4, 5, 5, 6)]
    assert [True, True, False, True, False, True] == [interest.is_wanted(raw) for raw in passes]


@pytest.mark.parametrize("raw", WRAPPED.values(), ids=WRAPPED)
def test_passes_of_a_failing_key_are_wanted(raw: bytes) -> None:
    """Until two of them were seen, in whatever wrapping, with whatever names around it."""
    assert _interest(_failed()).is_wanted(raw)
    assert _interest(_failed(), _passed()).is_wanted(raw)
    assert not _interest(_failed(), _passed(), _passed()).is_wanted(raw)


def test_next_part_of_a_rotated_log_goes_on() -> None:
    """Its passes count for the failures of the part before."""
    after = Origin(source="log.1")
    assert not _interest(_failed(), _passed(after), _passed(after)).is_wanted(PASS)


def test_pass_of_another_pod_does_not_count() -> None:
    """The pod that failed may fail again."""
    other = Origin(source="log", pod="other")
    assert _interest(_failed(), _passed(other), _passed(other)).is_wanted(PASS)


def test_new_process_is_watched_from_its_beginning() -> None:
    """First passes are wanted again."""
    assert _interest(ControllerStarted(AT, LOG, 1)).is_wanted(PASS)


def test_pass_whose_key_cannot_be_read_is_wanted() -> None:
    """Better one too many."""
    assert _interest().is_wanted(b"Reconciliation completed")


PATCHES: dict[str, tuple[list[Event], bool]] = {
    "of a healthy key": ([], False),
    "of a key that fails otherwise": ([_failed()], False),
    "of a blocked key": ([ReplicasBlocked(AT, LOG, 1, WEB, FAILURE)], True),
    "of a key that was blocked": (
        [ReplicasBlocked(AT, LOG, 1, WEB, FAILURE), ReplicasBlocked(AT, LOG, 2, WEB, None)],
        False,
    ),
}


@pytest.mark.parametrize(("events", "is_wanted"), PATCHES.values(), ids=PATCHES)
def test_patches_are_wanted_of_blocked_keys(events: list[Event], is_wanted: bool) -> None:
    """They may say that the condition is gone."""
    assert is_wanted is _interest(*events).is_wanted(PATCH)
