"""The API, asked over real sockets, with a store of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import jsonschema
import msgspec
import pytest

from pipeline.config import RedactSettings
from pipeline.engine.incidents import Incident
from pipeline.http.api import Api
from pipeline.http.openapi import describe_api
from pipeline.http.scopes import ApiGuard
from pipeline.http.server import HttpServer
from pipeline.http_settings import HttpSettings
from pipeline.metrics.metrics import Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.report.schemas import incident_schema
from pipeline.secret import Secret
from pipeline.status import StatusBoard
from pipeline.store.connections import Database
from pipeline.store.records import Commit
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.store.samples import CLAIMED, NOW, incident

PAGE = Path(__file__).parents[3] / "docs" / "openapi.json"
IDS = ("aa01", "bb02", "cc03")
Ask = Callable[..., httpx.Response]
Serve = Callable[..., Ask]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreSettings]:
    """A store that a daemon has open, with three incidents; the last one is the newest."""
    settings = StoreSettings(url=f"sqlite:///{tmp_path}/whystuck.db")
    opened = SqlStore.open(settings)
    claim = opened.claim("one", CLAIMED)
    assert claim is not None
    found = tuple(
        msgspec.structs.replace(incident(identity), opened_at=NOW + timedelta(minutes=number))
        for number, identity in enumerate(IDS)
    )
    opened.commit(Commit(at=NOW, incidents=found), claim.epoch)
    yield settings
    opened.close()


@pytest.fixture
def serve(store: StoreSettings, board: StatusBoard) -> Iterator[Serve]:
    """Starts servers, and asks them."""
    running: list[HttpServer] = []
    client = httpx.Client(trust_env=False, timeout=10)

    def start(redact: RedactSettings | None = None, **tokens: Secret) -> Ask:
        settings = HttpSettings(listen="127.0.0.1:0", **tokens)
        api = Api(Database(store), ApiGuard(settings), redact or RedactSettings())
        server = HttpServer(settings, board, Metrics(MetricsSettings(), "1.2.3"), api)
        url = server.start()
        running.append(server)

        def ask(path: str, token: str = "reader", method: str = "GET", **options: object) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
            return client.request(method, f"{url}/api/v1{path}", headers=headers, **options)

        return ask

    yield start
    client.close()
    for server in running:
        server.stop()


@pytest.fixture
def ask(serve: Serve) -> Ask:
    """Asks a server that knows both tokens."""
    return serve(api_read_token=Secret("reader"), api_write_token=Secret("writer"))


def test_without_a_token_there_is_no_api(serve: Serve) -> None:
    assert 404 == serve()("/incidents").status_code


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


def test_names_are_hidden_where_they_are_hidden_elsewhere(serve: Serve) -> None:
    ask = serve(RedactSettings(names=True), api_read_token=Secret("reader"))
    texts = [ask(path).text for path in ("/incidents", "/incidents/aa01", "/incidents/aa01/history")]
    assert not [text for text in texts if "production" in text]


def test_the_description_is_served_and_committed(ask: Ask) -> None:
    """Written by: python -m tests.pipeline.http.test_api."""
    described = json.loads(json.dumps(describe_api()))
    assert described == ask("/openapi.json").json() == json.loads(PAGE.read_text(encoding="utf-8"))


def test_the_answers_are_as_described(ask: Ask) -> None:
    schemas = describe_api()["components"]["schemas"]
    for path, name in (("/incidents", "IncidentPage"), ("/incidents/aa01/history", "IncidentHistory")):
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema.validate(ask(path).json(), schema)


def test_an_incident_is_read_as_it_was_stored(ask: Ask) -> None:
    assert IDS[0] == msgspec.json.decode(ask("/incidents/aa01").content, type=Incident).id


if __name__ == "__main__":
    PAGE.write_text(json.dumps(describe_api(), indent=2) + "\n", encoding="utf-8")
