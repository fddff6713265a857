"""A server on a free port, the board it reads, and the API with a store of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from pipeline.config import RedactSettings
from pipeline.http.api import Api
from pipeline.http.scopes import ApiGuard
from pipeline.http.server import HttpServer
from pipeline.http_settings import HttpSettings
from pipeline.metrics.metrics import Metrics
from pipeline.metrics.settings import MetricsSettings
from pipeline.secret import Secret
from pipeline.status import Check, DaemonRole, DaemonStatus, StatusBoard
from pipeline.store.connections import Database
from pipeline.store.deliveries import AttemptResult, DeliveryQueue, DeliveryState
from pipeline.store.records import Commit
from pipeline.store.settings import StoreSettings
from pipeline.store.silences import add_silence
from pipeline.store.store import SqlStore
from tests.pipeline.store.delivery_samples import notification
from tests.pipeline.store.samples import CLAIMED, NOW, incident

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKING = DaemonStatus(DaemonRole.ACTIVE, AT, (Check("source", True, "raw: connected"), Check("store", True)))

INCIDENTS = ("aa01", "bb02", "cc03")
DEAD = AttemptResult(DeliveryState.DEAD, 404, "refused", "production does not know it")

Serve = Callable[..., "tuple[HttpServer, str]"]
Ask = Callable[..., httpx.Response]
ServeApi = Callable[..., Ask]


class Clock:
    """Monotonic seconds that stand still."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The clock of the board."""
    return Clock()


@pytest.fixture
def board(clock: Clock) -> StatusBoard:
    """A daemon that works."""
    return StatusBoard(WORKING, clock)


@pytest.fixture
def serve(board: StatusBoard) -> Iterator[Serve]:
    """Starts servers with some settings, and ends them."""
    running: list[HttpServer] = []

    def start(**settings: object) -> tuple[HttpServer, str]:
        chosen = HttpSettings(**({"listen": "127.0.0.1:0"} | settings))  # type: ignore[arg-type]
        server = HttpServer(chosen, board, Metrics(MetricsSettings(), "1.2.3"))
        url = server.start()
        running.append(server)
        return server, url

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def api_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with three incidents, the last is the newest; two notifications, the first is dead; and a silence."""
    path = tmp_path_factory.mktemp("api") / "whystuck.db"
    opened = SqlStore.open(StoreSettings(url=f"sqlite:///{path}"))
    opened.claim("one", CLAIMED)
    found = tuple(
        msgspec.structs.replace(incident(identity), opened_at=NOW + timedelta(minutes=number))
        for number, identity in enumerate(INCIDENTS)
    )
    planned = (notification("msg_1", "chat", ("aa01", 1)), notification("msg_2", "oncall", ("bb02", 1)))
    opened.commit(Commit(at=NOW, incidents=found, deliveries=planned), epoch=1)
    queue = DeliveryQueue(opened.database, epoch=1)
    queue.begin(1)
    queue.finish(1, DEAD)
    later = datetime.now(UTC) + timedelta(hours=2)
    add_silence(opened.database, ['namespace="production"'], NOW, later, author="Ada", comment="")
    opened.close()
    return path


@pytest.fixture
def api_store(api_template: Path, tmp_path: Path) -> StoreSettings:
    """A copy of it."""
    return StoreSettings(url=f"sqlite:///{shutil.copy(api_template, tmp_path)}")


def api_server(store: StoreSettings, board: StatusBoard, redact: RedactSettings, **tokens: Secret) -> HttpServer:
    """A server with the API on a free port, not started yet."""
    settings = HttpSettings(listen="127.0.0.1:0", **tokens)  # type: ignore[arg-type]
    api = Api(Database(store), ApiGuard(settings), redact)
    return HttpServer(settings, board, Metrics(MetricsSettings(), "1.2.3"), api)


@pytest.fixture
def api_url(api_store: StoreSettings, board: StatusBoard) -> Iterator[Callable[..., str]]:
    """Starts servers with the API, and says where they are."""
    running: list[HttpServer] = []

    def start(redact: RedactSettings | None = None, **tokens: Secret) -> str:
        server = api_server(api_store, board, redact or RedactSettings(), **tokens)
        running.append(server)
        return server.start()

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def serve_api(api_url: Callable[..., str]) -> Iterator[ServeApi]:
    """Starts servers, and asks them."""
    with httpx.Client(trust_env=False, timeout=120) as client:

        def start(redact: RedactSettings | None = None, **tokens: Secret) -> Ask:
            url = api_url(redact, **tokens)

            def ask(path: str, token: str = "reader", method: str = "GET", **options: object) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})  # type: ignore[operator]
                return client.request(method, f"{url}/api/v1{path}", headers=headers, **options)  # type: ignore[arg-type]

            return ask

        yield start


@pytest.fixture
def ask(serve_api: ServeApi) -> Ask:
    """Asks a server that knows both tokens."""
    return serve_api(api_read_token=Secret("reader"), api_write_token=Secret("writer"))
