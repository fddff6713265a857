"""What /livez and /readyz say."""

from __future__ import annotations

import pytest

from pipeline.http.health import Question, answer, liveness, readiness
from pipeline.status import Check, DaemonRole, DaemonStatus, StatusBoard
from tests.pipeline.http.conftest import AT, WORKING, Clock

BROKEN = DaemonStatus(
    DaemonRole.ACTIVE, AT, (Check("source", False, "raw: kafka-0:9092 refused"), Check("store", True))
)
VERBOSE = Question(is_verbose=True)
ROLE = "[+]role ok: active since 2026-03-01T12:00:00Z"


def lines(*texts: str) -> str:
    """A text of these lines."""
    return "".join(f"{text}\n" for text in texts)


ANSWERS = {
    "all is well": (WORKING, Question(), True, "ok"),
    "all is well, verbose": (
        WORKING,
        VERBOSE,
        True,
        lines(ROLE, "[+]source ok: raw: connected", "[+]store ok", "readyz check passed"),
    ),
    "trouble is always told": (
        BROKEN,
        Question(),
        False,
        lines(ROLE, "[-]source failed: raw: kafka-0:9092 refused", "[+]store ok", "readyz check failed"),
    ),
    "without details": (
        BROKEN,
        Question(may_see_details=False),
        False,
        lines("[+]role ok", "[-]source failed: reason withheld", "[+]store ok", "readyz check failed"),
    ),
    "trouble that is excluded": (BROKEN, Question(excluded=frozenset({"source"})), True, "ok"),
    "trouble that is excluded, verbose": (
        BROKEN,
        Question(is_verbose=True, excluded=frozenset({"source", "x", "etcd"})),
        True,
        lines(
            ROLE,
            "[+]source excluded: ok",
            "[+]store ok",
            'warn: some health checks cannot be excluded: no matches for "etcd", "x"',
            "readyz check passed",
        ),
    ),
    "other trouble than is excluded": (
        BROKEN,
        Question(excluded=frozenset({"store"}), may_see_details=False),
        False,
        lines("[+]role ok", "[-]source failed: reason withheld", "[+]store excluded: ok", "readyz check failed"),
    ),
}


@pytest.mark.parametrize(("status", "question", "is_ok", "text"), ANSWERS.values(), ids=ANSWERS)
def test_readiness(status: DaemonStatus, question: Question, is_ok: bool, text: str) -> None:
    """In the form of Kubernetes' own end-points."""
    health = answer("readyz", readiness(status), question)
    assert (is_ok, text) == (health.is_ok, health.text)


ROLES = {
    DaemonRole.STARTING: False,
    DaemonRole.ACTIVE: True,
    DaemonRole.STANDBY: True,
    DaemonRole.DRAINING: False,
}


@pytest.mark.parametrize(("role", "is_ready"), ROLES.items(), ids=lambda value: getattr(value, "value", ""))
def test_role(role: DaemonRole, is_ready: bool) -> None:
    """A standby is ready to take over; who starts or ends is not."""
    assert is_ready is answer("readyz", readiness(DaemonStatus(role, AT)), Question()).is_ok


def test_reason_holds_no_secret_and_is_one_line() -> None:
    """Whatever the daemon wrote into it."""
    check = Check("store", False, "cannot reach postgresql://me:hunter2@db/x:\n\x1b[31mrefused\nreadyz check passed")
    text = answer("readyz", [check], VERBOSE).text
    assert (
        "[-]store failed: cannot reach postgresql://[hidden]@db/x: refused readyz check passed" == text.split("\n")[0]
    )


def test_alive_as_long_as_the_pipeline_goes_on(clock: Clock, board: StatusBoard) -> None:
    """Every beat begins the time anew."""
    clock.seconds += 299
    board.beat()
    clock.seconds += 299
    assert answer("livez", liveness(board.seconds_since_beat(), 300), Question()).is_ok


def test_not_alive_when_it_does_not_go_on(clock: Clock, board: StatusBoard) -> None:
    """Whatever was published."""
    board.beat()
    clock.seconds += 300
    board.publish(WORKING)
    health = answer("livez", liveness(board.seconds_since_beat(), 300), Question())
    assert not health.is_ok
    assert "[-]pipeline failed: last went on 300 s ago, 300 s are allowed\nlivez check failed\n" == health.text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (VERBOSE, lines("[+]store ok", "warn: objects: leases may not be read", "readyz check passed")),
        (Question(is_verbose=True, may_see_details=False), lines("[+]store ok", "readyz check passed")),
        (Question(), "ok"),
    ],
    ids=["asked for all", "without details", "asked whether all is well"],
)
def test_what_it_does_without_is_a_warning(question: Question, text: str) -> None:
    """Nothing fails for it."""
    health = answer("readyz", [Check("store", True)], question, ["objects: leases may not be read"])

    assert (True, text) == (health.is_ok, health.text)
