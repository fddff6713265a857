"""The API, asked over real sockets, with a store of its own."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from pipeline.config import RedactSettings
from pipeline.engine.incidents import Incident
from pipeline.http.openapi import describe_api
from pipeline.report.schemas import incident_schema
from pipeline.secret import Secret
from tests.pipeline.http.conftest import INCIDENTS, Ask, ServeApi

PAGE = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_without_a_token_there_is_no_api(serve_api: ServeApi) -> None:
    assert 404 == serve_api()("/incidents").status_code


@pytest.mark.parametrize(
    ("token", "method", "status"),
    [
        pytest.param("reader", "GET", 200, id="who reads reads"),
        pytest.param("writer", "GET", 200, id="who writes reads"),
        pytest.param("guessed", "GET", 401, id="unknown"),
        pytest.param("x y", "GET", 401, id="two words"),
        pytest.param("reader", "POST", 403, id="who reads does not write"),
        pytest.param("guessed", "POST", 401, id="unknown does not write"),
        pytest.param("writer", "POST", 201, id="who writes writes"),
    ],
)
def test_tokens_have_scopes(ask: Ask, token: str, method: str, status: int) -> None:
    path, body = ("/incidents", None) if method == "GET" else ("/incidents/aa01/acknowledgements", {"author": "Ada"})
    assert status == ask(path, token, method, json=body).status_code


def test_pages_go_on_where_the_last_one_ended(ask: Ask) -> None:
    first = ask("/incidents?limit=2").json()
    second = ask(f"/incidents?limit=2&after={first['next']}").json()
    assert (["cc03", "bb02"], ["aa01"], None) == (
        [each["id"] for each in first["incidents"]],
        [each["id"] for each in second["incidents"]],
        second["next"],
    )


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=open", 3),
        ("status=resolved", 0),
        ("status=resolved&status=open", 3),
        ("severity=info", 0),
        ("class=tls.expired&cluster=eu-1&kind=stuck", 3),
        ("until=2026-11-23T15:55:00Z", 1),
    ],
)
def test_filters(ask: Ask, query: str, count: int) -> None:
    assert count == len(ask(f"/incidents?{query}").json()["incidents"])


WRONG = [
    "limit=0", "limit=x", "limit=1&limit=2", "colour=red", "status=closed", "since=yesterday",
    "until=2026-01-01T00:00:00", "after=ffff", "after=a", "cluster=%00",
]  # fmt: skip


@pytest.mark.parametrize("query", WRONG)
def test_what_makes_no_sense_is_a_problem(ask: Ask, query: str) -> None:
    done = ask(f"/incidents?{query}")
    assert (400, "application/problem+json", 400) == (
        done.status_code,
        done.headers["content-type"],
        done.json()["status"],
    )


def test_one_incident_is_of_its_schema(ask: Ask) -> None:
    jsonschema.validate(ask("/incidents/aa01").json(), incident_schema())


@pytest.mark.parametrize("path", ["/incidents/aa", "/incidents/zz", "/incidents/aa01/nothing", "/nothing"])
def test_what_is_not_there_is_a_problem(ask: Ask, path: str) -> None:
    done = ask(path)
    assert (404, "application/problem+json") == (done.status_code, done.headers["content-type"])


def test_what_the_client_has_is_not_sent_again(ask: Ask) -> None:
    tag = ask("/incidents/aa01").headers["etag"]
    again = ask("/incidents/aa01", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])


def test_acknowledgements_are_in_the_history_and_change_its_tag(ask: Ask) -> None:
    path = "/incidents/aa01/history"
    before = ask(path).headers["etag"]
    ask("/incidents/aa01/acknowledgements", "writer", "POST", json={"author": "Ada", "comment": "I look at it"})
    after = ask(path, headers={"If-None-Match": before}).json()
    assert ([("Ada", "I look at it")], ["opened"]) == (
        [(each["author"], each["comment"]) for each in after["acknowledgements"]],
        [each["transition"] for each in after["revisions"]],
    )


BODIES = {
    "no author": (b"{}", "application/json", 422),
    "an empty author": (b'{"author": ""}', "application/json", 422),
    "unknown field": (b'{"author": "a", "x": 1}', "application/json", 422),
    "no JSON": (b"{", "application/json", 422),
    "no UTF-8": (b'{"author": "\xff"}', "application/json", 422),
    "another type": (b'{"author": "a"}', "text/plain", 415),
    "too large": (b" " * 100_000, "application/json", 413),
}


@pytest.mark.parametrize(("body", "kind", "status"), BODIES.values(), ids=BODIES)
def test_bodies_are_checked(ask: Ask, body: bytes, kind: str, status: int) -> None:
    path = "/incidents/aa01/acknowledgements"
    done = ask(path, "writer", "POST", content=body, headers={"Content-Type": kind})
    assert (status, "application/problem+json") == (done.status_code, done.headers["content-type"])


PATHS_WITH_NAMES = (
    "/incidents", "/incidents/aa01", "/incidents/aa01/evidence", "/incidents/aa01/history", "/deliveries",
    "/deliveries/msg_1", "/silences",
)  # fmt: skip


def test_names_are_hidden_where_they_are_hidden_elsewhere(serve_api: ServeApi) -> None:
    ask = serve_api(RedactSettings(names=True), api_read_token=Secret("reader"))
    texts = [ask(path).text for path in PATHS_WITH_NAMES]
    assert not [text for text in texts if "production" in text]


def test_the_description_is_served_and_committed(ask: Ask) -> None:
    """Written by: python -m tests.pipeline.http.test_api."""
    described = json.loads(json.dumps(describe_api()))
    assert described == ask("/openapi.json").json() == json.loads(PAGE.read_text(encoding="utf-8"))


ANSWERS = (
    ("/incidents", "IncidentPage"),
    ("/incidents/aa01/history", "IncidentHistory"),
    ("/incidents/aa01/evidence", "IncidentEvidence"),
    ("/deliveries", "DeliveryPage"),
    ("/deliveries/msg_2", "Delivery"),
    ("/silences", "SilenceList"),
)


def test_the_answers_are_as_described(ask: Ask) -> None:
    schemas = describe_api()["components"]["schemas"]
    for path, name in ANSWERS:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema.validate(ask(path).json(), schema)


def test_an_incident_is_read_as_it_was_stored(ask: Ask) -> None:
    assert INCIDENTS[0] == msgspec.json.decode(ask("/incidents/aa01").content, type=Incident).id


if __name__ == "__main__":
    PAGE.write_text(json.dumps(describe_api(), indent=2) + "\n", encoding="utf-8")
