"""`whystuck deliveries`: what is in the store, for people and programs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pipeline.store.deliveries import AttemptResult, DeliveryQueue, DeliveryState
from pipeline.store.records import Commit
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.cli.conftest import Run
from tests.pipeline.store.delivery_samples import notification
from tests.pipeline.store.samples import CLAIMED, NOW, incident
from tests.servers.hostile_receiver import Answer, HostileReceiver

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


def _configure(folder: Path, url: str) -> Path:
    path = folder / "whystuck.yaml"
    path.write_text(f"delivery: {{receivers: [{{name: hook, url: '{url}', allow_networks: [127.0.0.0/8]}}]}}")
    return path


@pytest.mark.parametrize(
    ("status", "code", "said"), [(204, 0, "delivered: accepted 204"), (404, 1, "refused: rejected 404")]
)
def test_receiver_is_tried_out(whystuck: Run, tmp_path: Path, status: int, code: int, said: str) -> None:
    """One message that says what it is; its id is printed, the path of its address is not."""
    with HostileReceiver([Answer(status=status)]) as receiver:
        done = whystuck("deliveries", "test", "hook", "--config", _configure(tmp_path, receiver.url))
        (received,) = receiver.wait_for(lambda all_: len(all_) == 1)
    assert code == done.code
    assert done.out.startswith(f"{received.id} to hook at http://127.0.0.1:{receiver.port}/[hidden]: {said}")
    assert "/hook" not in done.out
    assert "test message of whystuck" in received.body.decode()


def test_receiver_that_is_not_there_is_told(whystuck: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = whystuck("deliveries", "test", "hook", "--config", _configure(tmp_path, f"http://127.0.0.1:{port}/hook"))
    assert 1 == done.code
    assert "retry: connection_failed" in done.out


def test_unknown_receiver_cannot_be_tried_out(whystuck: Run, tmp_path: Path) -> None:
    done = whystuck("deliveries", "test", "nobody", "--config", _configure(tmp_path, "http://127.0.0.1:9/hook"))
    assert (2, "whystuck: no receiver 'nobody' is configured; there are hook\n") == (done.code, done.err)
