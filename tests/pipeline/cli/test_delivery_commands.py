"""`whystuck deliveries`: what is in the store, for people and programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.store.deliveries import AttemptResult, DeliveryQueue, DeliveryState
from pipeline.store.records import Commit
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.cli.conftest import Run
from tests.pipeline.store.delivery_samples import notification
from tests.pipeline.store.samples import CLAIMED, NOW, incident

DEAD = AttemptResult(DeliveryState.DEAD, 404, "refused", "production-receiver.example:8443 does not know it")


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of a store with a dead notification for chat, which is disabled, and a waiting one for oncall."""
    url = f"sqlite:///{tmp_path}/whystuck.db"
    opened = SqlStore.open(StoreSettings(url=url))
    opened.claim("test", CLAIMED)
    planned = (notification("msg_1", "chat", ("aa01", 1)), notification("msg_2", "oncall", ("bb02", 1)))
    opened.commit(Commit(at=NOW, incidents=(incident("aa01"), incident("bb02")), deliveries=planned), epoch=1)
    queue = DeliveryQueue(opened.database, epoch=1)
    queue.begin(1)
    queue.finish(1, DEAD)
    queue.disable("chat", "it answered 410", NOW)
    opened.close()
    return url


def test_list_is_for_people(whystuck: Run, store: str) -> None:
    done = whystuck("deliveries", "list", "--store", store)
    lines = done.out.splitlines()
    assert "msg_2  oncall    opened    pending  2026-11-23 15:54:34Z  0         -" == lines[1]
    assert lines[2].startswith("msg_1  chat      opened    dead     2026-11-23 15:54:34Z  1         404 refused prod")
    assert "receiver chat is disabled" in done.err


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), ["msg_2", "msg_1"]),
        (("--receiver", "chat"), ["msg_1"]),
        (("--state", "pending", "--state", "sent"), ["msg_2"]),
        (("--incident", "bb"), ["msg_2"]),
        (("--limit", "1"), ["msg_2"]),
        (("--after", "msg_2"), ["msg_1"]),
    ],
)
def test_list_is_filtered(whystuck: Run, store: str, options: tuple[str, ...], found: list[str]) -> None:
    done = whystuck("deliveries", "list", "--store", store, "-o", "jsonl", *options)
    assert found == [record["id"] for record in done.records]


def test_one_is_shown_with_its_last_answer_and_its_incidents(whystuck: Run, store: str) -> None:
    out = whystuck("deliveries", "show", "msg_1", "--store", store).out
    assert "msg_1: opened, to chat" in out
    assert "aa01 (revision 1)" in out
    assert "404 refused production-receiver.example:8443" in out


def test_body_is_printed_as_it_is(whystuck: Run, store: str) -> None:
    assert '{"id":"msg_1"}' == whystuck("deliveries", "show", "msg_1", "--body", "--store", store).out


def test_names_and_addresses_are_hidden_where_the_settings_say_so(
    whystuck: Run, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes hold names, so they are not printed."""
    for name in ("NAMES", "ADDRESSES"):
        monkeypatch.setenv(f"WHYSTUCK_REDACT_{name}", "true")
    for arguments in (("list",), ("show", "msg_1"), ("show", "msg_1", "-o", "json")):
        out = whystuck("deliveries", *arguments, "--store", store).out
        assert "msg_1" in out
        assert "production" not in out
    assert 2 == whystuck("deliveries", "show", "msg_1", "--body", "--store", store).code


@pytest.mark.parametrize("chosen", [("msg_1",), ("--receiver", "chat")])
def test_dead_ones_are_redriven(whystuck: Run, store: str, chosen: tuple[str, ...]) -> None:
    done = whystuck("deliveries", "redrive", *chosen, "--store", store)
    assert (0, "notification msg_1 is sent again\n") == (done.code, done.out)
    assert "pending" == whystuck("deliveries", "show", "msg_1", "-o", "jsonl", "--store", store).records[0]["state"]


def test_receiver_is_enabled_once(whystuck: Run, store: str) -> None:
    assert "receiver chat is enabled\n" == whystuck("deliveries", "enable", "chat", "--store", store).out
    assert "" == whystuck("deliveries", "list", "--store", store).err
    assert 2 == whystuck("deliveries", "enable", "chat", "--store", store).code


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("show", "msg_9"), "no notification has the id 'msg_9'"),
        (("list", "--state", "lost"), "pending, sent, dead, superseded"),
        (("list", "--after", "msg_9"), "msg_9"),
        (("redrive", "msg_2"), "is pending"),
        (("redrive",), "--receiver NAME"),
        (("redrive", "msg_1", "--receiver", "chat"), "say which"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(whystuck: Run, store: str, arguments: tuple[str, ...], why: str) -> None:
    done = whystuck("deliveries", *arguments, "--store", store)
    assert 2 == done.code
    assert why in done.err


def test_nothing_to_redrive_is_said(whystuck: Run, store: str) -> None:
    done = whystuck("deliveries", "redrive", "--receiver", "oncall", "--store", store)
    assert (0, "whystuck: no notification for oncall is dead\n") == (done.code, done.err)
