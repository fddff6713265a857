"""What is asked of notifications in a store, and redriving them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.store.deliveries import AttemptResult, DeliveryQueue, DeliveryState
from pipeline.store.delivery_queries import (
    DeliveryFilter,
    DeliveryQueries,
    ToldIncident,
    enable_receiver,
    redrive,
    redrive_receiver,
)
from pipeline.store.records import Commit
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.store.delivery_samples import notification
from tests.pipeline.store.samples import CLAIMED, NOW, incident

REFUSED = AttemptResult(DeliveryState.DEAD, 404, "refused", "HTTP 404")
PLANNED = (
    notification("msg_1", "chat", ("aa01", 1)),
    notification("msg_2", "oncall", ("aa01", 1), ("bb02", 1)),
    notification("msg_3", "chat", ("bb02", 1), occasion="updated"),
    notification("msg_4", "chat", ("aa01", 2), problem="too large: 1 byte"),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    """A store with four notifications, the last of them dead from the beginning."""
    opened = SqlStore.open(StoreSettings(url=f"sqlite:///{tmp_path}/whystuck.db"))
    opened.claim("one", CLAIMED)
    told = (incident("aa01"), incident("bb02"))
    opened.commit(Commit(at=NOW, incidents=told, deliveries=PLANNED), epoch=1)
    yield opened
    opened.close()


@pytest.fixture
def queries(store: SqlStore) -> DeliveryQueries:
    """Asks it."""
    return DeliveryQueries(store.database)


@pytest.fixture
def queue(store: SqlStore) -> DeliveryQueue:
    """What sends."""
    return DeliveryQueue(store.database, epoch=1)


def _give_up(queue: DeliveryQueue, number: int) -> None:
    assert queue.begin(number) is not None
    queue.finish(number, REFUSED)


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        pytest.param(DeliveryFilter(), ["msg_4", "msg_3", "msg_2", "msg_1"], id="newest first"),
        pytest.param(DeliveryFilter(receivers=("oncall",)), ["msg_2"], id="receiver"),
        pytest.param(DeliveryFilter(states=("dead", "sent")), ["msg_4"], id="state"),
        pytest.param(DeliveryFilter(incident="bb02"), ["msg_3", "msg_2"], id="incident"),
        pytest.param(DeliveryFilter(incident="bb02", receivers=("chat",)), ["msg_3"], id="both"),
        pytest.param(DeliveryFilter(receivers=("nobody",)), [], id="none"),
    ],
)
def test_filters(queries: DeliveryQueries, chosen: DeliveryFilter, ids: list[str]) -> None:
    assert ids == [row.id for row in queries.list_rows(chosen, limit=10)]


def test_pages_go_on_where_the_last_one_ended(queries: DeliveryQueries) -> None:
    first = queries.list_rows(DeliveryFilter(), limit=2)
    second = queries.list_rows(DeliveryFilter(), limit=2, after=first[-1].id)
    assert ["msg_2", "msg_1"] == [row.id for row in second]


def test_one_is_shown_with_what_it_tells_of(queries: DeliveryQueries, queue: DeliveryQueue) -> None:
    _give_up(queue, 2)
    found = queries.find("msg_2")
    assert ((ToldIncident("aa01", 1), ToldIncident("bb02", 1)), "dead", 1, 404, "refused", "HTTP 404") == (
        found.incidents,
        found.state,
        found.attempts,
        found.last_status,
        found.last_reason,
        found.last_detail,
    )
    assert (len(PLANNED[1].body), 2, "application/json") == (
        found.size_bytes,
        found.incident_count,
        found.content_type,
    )


def test_body_is_what_was_frozen(queries: DeliveryQueries) -> None:
    assert PLANNED[0].body == queries.read_body("msg_1")


def test_incidents_are_those_of_all(queries: DeliveryQueries) -> None:
    assert ("aa01", "bb02") == queries.incidents_of(["msg_1", "msg_3", "msg_9"])


def test_redriven_is_sent_again_at_once_as_it_was(
    store: SqlStore, queries: DeliveryQueries, queue: DeliveryQueue
) -> None:
    """Under the same id, byte for byte; time runs anew, attempts go on being counted."""
    _give_up(queue, 1)
    redrive(store.database, ["msg_1"])
    found = queries.find("msg_1")
    assert ("pending", None, None, True) == (
        found.state,
        found.next_attempt_at,
        found.ended_at,
        found.tried_since_at > NOW + timedelta(days=-1) and found.tried_since_at != found.created_at,
    )
    message = queue.begin(1)
    assert message is not None
    assert ("msg_1", PLANNED[0].body, 2) == (message.id, message.body, message.attempts)


def test_redriven_is_not_superseded(store: SqlStore, queries: DeliveryQueries, queue: DeliveryQueue) -> None:
    """Somebody asked for it."""
    _give_up(queue, 3)
    redrive(store.database, ["msg_3"])
    newer = notification("msg_5", "chat", ("bb02", 2), occasion="updated", supersedes=True)
    store.commit(Commit(at=NOW, deliveries=(newer,)), epoch=1)
    assert "pending" == queries.find("msg_3").state


@pytest.mark.parametrize(
    ("identity", "why"),
    [
        pytest.param("msg_9", "no notification", id="unknown"),
        pytest.param("msg_2", "is pending", id="on its way"),
        pytest.param("msg_4", "nothing to send", id="never fitted"),
    ],
)
def test_all_are_redriven_or_none(
    store: SqlStore, queries: DeliveryQueries, queue: DeliveryQueue, identity: str, why: str
) -> None:
    _give_up(queue, 1)
    with pytest.raises(UsageError, match=why):
        redrive(store.database, ["msg_1", identity])
    assert "dead" == queries.find("msg_1").state


def test_all_of_a_receiver_are_redriven(store: SqlStore, queue: DeliveryQueue) -> None:
    """Those that have bytes."""
    for number in (1, 2, 3):
        _give_up(queue, number)
    assert ("msg_1", "msg_3") == redrive_receiver(store.database, "chat")
    assert [1, 3] == [each.number for each in queue.pending("chat", 10)]


def test_disabled_receiver_is_listed_until_it_is_enabled(
    store: SqlStore, queries: DeliveryQueries, queue: DeliveryQueue
) -> None:
    queue.disable("chat", "HTTP 410", NOW)
    assert [("chat", "HTTP 410", NOW)] == [(one.name, one.reason, one.disabled_at) for one in queries.list_disabled()]
    enable_receiver(store.database, "chat")
    assert not queue.is_disabled("chat")
    with pytest.raises(UsageError, match="'chat' is disabled"):
        enable_receiver(store.database, "chat")
