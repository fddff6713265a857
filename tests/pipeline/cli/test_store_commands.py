"""`whystuck incidents` and `whystuck store`."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator
from sqlalchemy import delete

from pipeline.store.records import Commit
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from pipeline.store.tables import claims
from tests.pipeline.cli.conftest import Run
from tests.pipeline.store.samples import CLAIMED, NOW, incident

FIRST, SECOND = "aa00000000000000aaaa", "bb00000000000000bbbb"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of a store with two incidents, one of them resolved."""
    url = f"sqlite:///{tmp_path}/whystuck.db"
    opened = SqlStore.open(StoreSettings(url=url))
    claim = opened.claim("test", CLAIMED)
    assert claim is not None
    resolved = msgspec.structs.replace(incident(SECOND, status="resolved"), severity="warning")
    opened.commit(Commit(at=NOW, incidents=(incident(FIRST), resolved)), claim.epoch)
    opened.close()
    return url


def test_list_is_for_people(whystuck: Run, store: str) -> None:
    """Ids are whole: they are to be copied."""
    done = whystuck("incidents", "list", "--store", store)
    assert 0 == done.code
    assert f"{FIRST}  open      critical  2026-11-23 15:54:34Z" in done.out


def test_formats_of_the_list_say_the_same(whystuck: Run, store: str) -> None:
    """One record an incident."""
    lines = whystuck("incidents", "list", "--store", store, "-o", "jsonl").records
    assert [SECOND, FIRST] == [record["id"] for record in lines]
    assert lines == json.loads(whystuck("incidents", "list", "--store", store, "-o", "json").out)
    assert lines == yaml.safe_load(whystuck("incidents", "list", "--store", store, "-o", "yaml").out)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--status", "open"), [FIRST]),
        (("--severity", "warning"), [SECOND]),
        (("--class", "quota"), []),
        (("--cluster", "eu-1", "--kind", "stuck"), [SECOND, FIRST]),
        (("--until", "2026-11-23T15:54:34Z"), []),
        (("--limit", "1"), [SECOND]),
        (("--after", "bb"), [FIRST]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_list_is_filtered(whystuck: Run, store: str, options: tuple[str, ...], found: list[str]) -> None:
    """Each option by itself."""
    records = whystuck("incidents", "list", "--store", store, "-o", "jsonl", *options).records
    assert found == [record["id"] for record in records]


def test_page_says_how_to_go_on(whystuck: Run, store: str) -> None:
    """On standard error: the results are for programs."""
    assert f"--after {SECOND}" in whystuck("incidents", "list", "--store", store, "--limit", "1").err


def test_show_prints_the_incident_and_its_history(whystuck: Run, store: str) -> None:
    """Among it who has seen it."""
    assert 0 == whystuck("incidents", "ack", "aa", "-m", "on it", "--author", "ann", "--store", store).code
    done = whystuck("incidents", "show", "aa", "--store", store)
    assert "rollout production/api is stuck" in done.out
    assert "opened (runaway)" in done.out
    assert "acknowledged by ann: on it" in done.out


def test_acknowledgement_is_in_the_list(whystuck: Run, store: str) -> None:
    """By whom."""
    whystuck("incidents", "ack", "aa", "--author", "ann", "--store", store)
    (record,) = whystuck("incidents", "list", "--store", store, "--status", "open", "-o", "jsonl").records
    assert "ann" == record["acknowledged_by"]


def test_incident_that_is_not_there_is_a_usage_error(whystuck: Run, store: str) -> None:
    """With the command that lists them."""
    done = whystuck("incidents", "show", "cc", "--store", store)
    assert (2, "") == (done.code, done.out)
    assert "whystuck incidents list" in done.err


def test_export_fits_the_schema_and_is_sorted(whystuck: Run, store: str) -> None:
    """As `replay -o jsonl` prints them."""
    schema = json.loads(whystuck("schema", "incident").out)
    records = whystuck("incidents", "export", "--store", store).records
    assert [FIRST, SECOND] == [record["id"] for record in records]
    for record in records:
        Draft202012Validator(schema).validate(record)


def test_export_is_no_table(whystuck: Run, store: str) -> None:
    """The message names what is."""
    done = whystuck("incidents", "export", "--store", store, "-o", "table")
    assert 2 == done.code
    assert "incidents list" in done.err


@pytest.mark.parametrize("verb", [("list", "-o", "json"), ("show", "aa"), ("export",)], ids=lambda verb: verb[0])
def test_names_are_hidden_where_the_settings_say_so(
    whystuck: Run, store: str, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    """In every format."""
    monkeypatch.setenv("WHYSTUCK_REDACT_NAMES", "true")
    assert "eu-1" not in whystuck("incidents", *verb, "--store", store).out


def test_missing_store_is_named_and_not_made(whystuck: Run, tmp_path: Path) -> None:
    """A typing error must not look like an empty store."""
    done = whystuck("incidents", "list", "--store", f"sqlite:///{tmp_path}/whystcuk.db")
    assert 2 == done.code
    assert f"{tmp_path}/whystcuk.db: there is no such file" in done.err
    assert [] == list(tmp_path.iterdir())


def test_store_is_found_by_the_configuration(whystuck: Run, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every setting."""
    monkeypatch.setenv("WHYSTUCK_STORE_URL", store)
    assert 2 == len(whystuck("incidents", "list", "-o", "jsonl").records)


def test_migrate_makes_the_tables_once(whystuck: Run, tmp_path: Path) -> None:
    """And says what it did."""
    url = f"sqlite:///{tmp_path}/new.db"
    assert "migrated from nothing to version" in whystuck("store", "migrate", "--store", url).out
    assert "already" in whystuck("store", "migrate", "--store", url).out
    assert "No incident" in whystuck("incidents", "list", "--store", url).out


def test_check_of_a_sound_store_is_clean(whystuck: Run, store: str) -> None:
    """Nothing on standard output."""
    done = whystuck("store", "check", "--store", store)
    assert (0, "") == (done.code, done.out)
    assert "no problem" in done.err


def test_check_names_what_is_wrong(whystuck: Run, store: str) -> None:
    """One line each, and the status says so."""
    opened = SqlStore.open(StoreSettings(url=store))
    with opened.database.writing("damage it") as connection:
        connection.execute(delete(claims))
    opened.close()
    done = whystuck("store", "check", "--store", store)
    assert (1, 1) == (done.code, len(done.out.splitlines()))
    assert "there has to be one claim" in done.out
    assert "claims" == whystuck("store", "check", "--store", store, "-o", "jsonl").records[0]["where"]


@pytest.mark.parametrize("verb", ["vacuum", "migrate"])
def test_file_of_a_running_daemon_is_left_alone(whystuck: Run, store: str, verb: str) -> None:
    """Reading goes beside it, this does not."""
    daemon = SqlStore.open(StoreSettings(url=store))
    done = whystuck("store", verb, "--store", store)
    listed = whystuck("incidents", "list", "--store", store)
    daemon.close()
    assert (1, 0) == (done.code, listed.code)
    assert "in use by process" in done.err


def test_vacuum_says_how_much_it_was(whystuck: Run, store: str) -> None:
    """Before and after."""
    assert "bytes after" in whystuck("store", "vacuum", "--store", store).out
