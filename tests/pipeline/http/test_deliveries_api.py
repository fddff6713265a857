"""Notifications and silences through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.pipeline.http.conftest import Ask

ENDS = (datetime.now(UTC) + timedelta(days=1)).isoformat()
SILENCE = {"matchers": ["severity=critical", 'class=~"tls.+"'], "ends_at": ENDS, "author": "Ada", "comment": "moved"}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["msg_2", "msg_1"]),
        ("receiver=chat", ["msg_1"]),
        ("receiver=chat&receiver=oncall&state=pending", ["msg_2"]),
        ("state=dead", ["msg_1"]),
        ("incident=bb02", ["msg_2"]),
        ("after=msg_2", ["msg_1"]),
        ("receiver=nobody", []),
    ],
)
def test_notifications_are_filtered(ask: Ask, query: str, ids: list[str]) -> None:
    assert ids == [each["id"] for each in ask(f"/deliveries?{query}").json()["deliveries"]]


def test_pages_of_notifications_go_on_where_the_last_one_ended(ask: Ask) -> None:
    first = ask("/deliveries?limit=1").json()
    assert ("msg_2", "msg_2") == (first["next"], first["deliveries"][0]["id"])
    last = ask("/deliveries?limit=2").json()
    assert [] == ask(f"/deliveries?limit=2&after={last['next']}").json()["deliveries"]


@pytest.mark.parametrize("query", ["limit=0", "state=lost", "after=msg_9", "colour=red", "incident=a&incident=b"])
def test_questions_that_make_no_sense_are_a_problem(ask: Ask, query: str) -> None:
    assert 400 == ask(f"/deliveries?{query}").status_code


def test_a_notification_says_what_it_tells_and_what_became_of_it(ask: Ask) -> None:
    found = ask("/deliveries/msg_1").json()
    assert ([{"id": "aa01", "revision": 1}], "dead", 404, 1) == (
        found["incidents"],
        found["state"],
        found["last_status"],
        found["attempts"],
    )


def test_a_dead_notification_is_redriven_once(ask: Ask) -> None:
    """Whoever only reads may not."""
    assert 403 == ask("/deliveries/msg_1/redrive", method="POST").status_code
    done = ask("/deliveries/msg_1/redrive", "writer", "POST")
    assert (202, "pending") == (done.status_code, done.json()["state"])
    assert 409 == ask("/deliveries/msg_1/redrive", "writer", "POST").status_code
    assert 404 == ask("/deliveries/msg_9/redrive", "writer", "POST").status_code


def test_a_silence_is_made_listed_and_ended(ask: Ask) -> None:
    """It begins now where nothing else is said; its matchers are written in one form."""
    done = ask("/silences", "writer", "POST", json=SILENCE)
    made = done.json()
    assert (201, ['severity="critical"', 'class=~"tls.+"']) == (done.status_code, made["matchers"])
    assert abs(datetime.fromisoformat(made["starts_at"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert made in ask("/silences").json()["silences"]

    ended = ask(f"/silences/{made['id']}", "writer", "DELETE")
    assert (204, b"") == (ended.status_code, ended.content)
    assert made["id"] not in ask("/silences").text
    assert made["id"] in ask("/silences?ended=true").text


def test_silences_have_scopes(ask: Ask) -> None:
    statuses = [ask("/silences", "reader", method, json=SILENCE).status_code for method in ("GET", "POST")]
    assert [200, 403, 403] == [*statuses, ask("/silences/0123", "reader", "DELETE").status_code]


def test_unknown_silence_cannot_be_ended(ask: Ask) -> None:
    assert 404 == ask("/silences/0123", "writer", "DELETE").status_code


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"matchers": []}, id="everything"),
        pytest.param({"matchers": ["staging"]}, id="no matcher"),
        pytest.param({"matchers": ['a=~"("']}, id="no pattern"),
        pytest.param({"matchers": ["a=b"] * 31}, id="too many"),
        pytest.param({"ends_at": "2020-01-01T00:00:00Z"}, id="over"),
        pytest.param({"ends_at": "2999-01-01T00:00:00"}, id="no zone"),
        pytest.param({"starts_at": "2999-01-01T00:00:00Z"}, id="ends before it begins"),
        pytest.param({"author": ""}, id="nobody"),
        pytest.param({"colour": "red"}, id="unknown field"),
    ],
)
def test_silences_are_checked(ask: Ask, change: dict[str, Any]) -> None:
    done = ask("/silences", "writer", "POST", json=SILENCE | change)
    assert (422, "application/problem+json") == (done.status_code, done.headers["content-type"])


def test_other_methods_are_named(ask: Ask) -> None:
    done = ask("/silences", "writer", "PUT")
    assert (405, {"GET", "HEAD", "POST"}) == (done.status_code, set(done.headers["allow"].split(", ")))


def test_evidence_is_that_of_the_incident(ask: Ask) -> None:
    shown = ask("/incidents/aa01").json()
    assert {name: shown[name] for name in ("evidence", "evidence_omitted_count")} == ask(
        "/incidents/aa01/evidence"
    ).json()
