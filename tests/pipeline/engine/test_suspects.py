"""Suspects are weighed, never blamed: every reason against each is told, with its facts."""

from __future__ import annotations

import pytest

from parsers.events import Event
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident, Suspect
from pipeline.engine.settings import EngineSettings
from pipeline.engine.watched import WatchedLog
from tests.pipeline.engine.builders import (
    API,
    JOB,
    OTHER_LOG,
    WEB,
    at,
    attempts,
    back_off,
    by_time,
    complete,
    fail,
    healthy,
    only,
    refuse,
    rules,
    see,
)

GUARD = 'Post "https://guard.tools.svc:443/check?timeout=10s": x509: certificate signed by unknown authority'
OTHER_KIND = (
    'conversion webhook for acme.dev/v1, Kind=Gate failed: Post "https://gates.acme.svc:443/convert?timeout=30s": '
    "x509: certificate signed by unknown authority"
)
NAMELESS = "context deadline exceeded"
ALLOTTED = (
    "the server was unable to return a response in the time allotted, but may still be processing the request "
    "(get mappings.getambassador.io web)"
)


def _told(*evidence: Event, text: str = NAMELESS, read: tuple[float, float] = (-1800, 1800)) -> Incident:
    """The incident of WEB, stuck from 0 to 900 s, beside evidence of another log that was read for some time."""
    engine = Engine(EngineSettings(), rules())
    engine.watch(WatchedLog(OTHER_LOG, at(read[0]), at(read[1])))
    for event in by_time([*healthy(-20, -10), *back_off(0, 900, text), *evidence]):
        engine.feed(event)
    engine.finish()
    return next(one for one in engine.incidents() if one.victims[0].name == WEB.name)


def _suspect(*evidence: Event, text: str = NAMELESS, read: tuple[float, float] = (-1800, 1800)) -> Suspect:
    """The one suspect that is not the object's own error."""
    suspects = _told(*evidence, text=text, read=read).cause.suspects
    (found,) = [one for one in suspects if "own_error" not in {point.reason for point in one.in_favour}]
    return found


def _reasons(suspect: Suspect) -> list[str]:
    return [point.reason for point in suspect.against]


def _seen(*seconds: float, text: str = GUARD) -> list[Event]:
    return [see(second, text, origin=OTHER_LOG) for second in seconds]


AGAINST: dict[str, tuple[list[Event], str, list[str]]] = {
    "began after the onset": (_seen(300, 600, 890), NAMELESS, ["began_after_onset", "nothing_ties_it"]),
    "over before the onset": (_seen(-1200, -1100), NAMELESS, ["over_before_onset", "nothing_ties_it"]),
    "recovered while the key stayed stuck": (
        _seen(-30, 30, 60),
        NAMELESS,
        ["recovered_while_stuck", "nothing_ties_it"],
    ),
    "a name in common with nothing": (_seen(-30, 890), NAMELESS, ["nothing_ties_it"]),
    "another service": (_seen(-30, 890), "hanging", ["other_service"]),
    "the same service of another namespace": (
        _seen(-30, 890, text=GUARD.replace("guard.tools", "emissary-apiext.staging")),
        "hanging",
        ["other_namespace"],
    ),
    "another kind": (_seen(-30, 890, text=OTHER_KIND), ALLOTTED, ["other_kind"]),
    "another webhook and its service": (
        _seen(-30, 890, text="admission"),
        "hanging",
        ["other_service"],
    ),
}


@pytest.mark.parametrize(("evidence", "text", "reasons"), AGAINST.values(), ids=AGAINST)
def test_every_reason_against_is_told(evidence: list[Event], text: str, reasons: list[str]) -> None:
    """Those of time first."""
    assert reasons == _reasons(_suspect(*evidence, text=text))


def test_evidence_in_a_log_that_begins_late_is_not_excluded_by_time() -> None:
    """It may have begun before anybody looked."""
    assert ["nothing_ties_it"] == _reasons(_suspect(*_seen(300, 890), read=(290, 1800)))


def test_evidence_in_a_log_that_ends_early_has_not_recovered() -> None:
    """Nobody looked any longer."""
    assert ["nothing_ties_it"] == _reasons(_suspect(*_seen(-30, 30, 60), read=(-1800, 61)))


def test_quota_of_another_namespace_explains_nothing() -> None:
    """And the sentence says both."""
    suspect = _suspect(*attempts(range(0, 900, 10), "quota", key=JOB))
    assert ["other_namespace"] == _reasons(suspect)
    assert "ResourceQuota batch/compute" in suspect.against[0].text
    assert "(shop)" in suspect.against[0].text


def test_reasons_hold_the_facts() -> None:
    """Times of both, and what was watched."""
    (late, _) = _suspect(*_seen(300, 600, 890)).against
    assert (
        "it began at 2026-03-01 12:05:00Z, 5 min after the trouble, in a log that was read from 2026-03-01 11:30:00Z on"
    ) == late.text


def test_being_near_in_time_speaks_for_it_and_blames_nobody() -> None:
    """However near."""
    incident = _told(*_seen(-1, 890))
    assert (False, None) == (incident.cause.established, incident.cause.culprit)
    assert ["near_onset"] == [point.reason for point in incident.cause.suspects[-1].in_favour]


OWN = {
    "names nobody": (NAMELESS, "names_nobody"),
    "either of two": (ALLOTTED, "ambiguous"),
    "no rule knows it": ("the frobnicator is sad", "not_understood"),
}


@pytest.mark.parametrize(("text", "reason"), OWN.values(), ids=OWN)
def test_own_error_is_the_first_suspect(text: str, reason: str) -> None:
    """With the reason why it accuses nobody."""
    first = _told(*_seen(-1, 890), text=text).cause.suspects[0]
    assert (["own_error"], [reason]) == ([point.reason for point in first.in_favour], _reasons(first))


def test_suspects_stand_in_the_documented_order() -> None:
    """Own, then without a tie, then about other things, then excluded; each by distance from the onset."""
    evidence = [
        *_seen(500, 890),
        *_seen(-200, 890, text=GUARD.replace("guard.tools", "far.tools")),
        *_seen(-100, 890, text=GUARD.replace("guard.tools", "near.tools")),
        *attempts(range(0, 900, 10), "quota", key=JOB),
    ]
    suspects = _told(*evidence).cause.suspects
    names = [suspect.culprit.name if suspect.culprit else None for suspect in suspects]
    assert [None, "near", "far", "compute", "guard"] == names


def test_minority_of_another_culprit_stands_beside_the_cause() -> None:
    """With what it explains; it changes nothing."""
    events = attempts(range(0, 180, 10), "expired") + attempts([180, 190], "forbidden", first=19)
    cause = only(healthy(-20, -10), events).cause
    assert "tls.expired" == cause.failure_class
    assert [("rbac.forbidden", ["too_few"])] == [(one.failure_class, _reasons(one)) for one in cause.suspects]
    assert "it explains 2 of 20 failed attempts" == cause.suspects[0].against[0].text


def test_cause_that_says_why_has_no_suspects_elsewhere() -> None:
    """Noise beside an expired certificate is no news."""
    assert () == _told(*_seen(-30, 890), text="expired").cause.suspects


def test_trouble_of_the_same_key_at_another_time_is_no_suspect() -> None:
    """What made it fail yesterday is another incident."""
    earlier = [fail(-900, "forbidden", key=WEB), complete(-880), refuse(-870, "invalid", key=API)]
    assert all(one.failure_class != "rbac.forbidden" for one in _told(*earlier).cause.suspects)


MIXED = {
    "conflicts follow": ("conflict", "follows"),
    "other words for the same": ("hanging", "same_culprit"),
    "what no rule knows": ("the frobnicator is sad", "follows"),
    "a bare time-out": ("deadline", "names_nobody"),
}


@pytest.mark.parametrize(("text", "relation"), MIXED.values(), ids=MIXED)
def test_symptoms_of_a_mixed_streak(text: str, relation: str) -> None:
    """Which failure is the cause, and what the others are to it."""
    events = attempts(range(0, 150, 10), "expired") + attempts(range(150, 200, 10), text, first=16)
    cause = only(healthy(-20, -10), events).cause
    assert "tls.expired" == cause.failure_class
    assert [(relation, 5)] == [(symptom.relation, symptom.count) for symptom in cause.symptoms]
    assert () == cause.suspects


def test_error_whose_reason_another_log_tells_is_its_symptom() -> None:
    """The cause is the deeper one."""
    deeper = GUARD.replace("guard.tools", "emissary-apiext.emissary-system")
    cause = _told(*_seen(-30, 890, text=deeper), text="hanging").cause
    assert ("tls.unknown_authority", "named_object") == (cause.failure_class, cause.basis)
    assert [("webhook.timeout", "explained")] == [(one.failure_class, one.relation) for one in cause.symptoms]


def test_outage_that_has_ended_is_told_with_its_end() -> None:
    """It failed more attempts than the cause did, which alone speaks for it."""
    events = attempts(range(0, 300, 10), "refused") + attempts(range(300, 400, 10), "admission", first=31)
    (suspect,) = only(healthy(-20, -10), events).cause.suspects
    assert ("apiserver.unreachable", ["recovered_while_stuck"]) == (suspect.failure_class, _reasons(suspect))
