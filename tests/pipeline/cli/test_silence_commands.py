"""`whystuck silence`: made, listed, ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from tests.pipeline.cli.conftest import Run

FUTURE = "2999-01-01T00:00:00Z"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of an empty store."""
    url = f"sqlite:///{tmp_path}/whystuck.db"
    SqlStore.open(StoreSettings(url=url)).close()
    return url


def _add(whystuck: Run, store: str, *arguments: str) -> str:
    done = whystuck("silence", "add", *arguments, "--store", store, "--author", "Ada")
    assert (0, "") == (done.code, done.err)
    return done.out.split()[1]


def test_silence_is_listed_until_it_is_ended(whystuck: Run, store: str) -> None:
    """Its matchers are written in one form, however they were typed."""
    made = _add(whystuck, store, "severity=critical", 'class=~"tls.+"', "--for", "2h", "-m", "maintenance")
    (listed,) = whystuck("silence", "list", "--store", store, "-o", "jsonl").records
    assert (made, ['severity="critical"', 'class=~"tls.+"'], "Ada", "maintenance") == (
        listed["id"],
        listed["matchers"],
        listed["author"],
        listed["comment"],
    )
    length = datetime.fromisoformat(listed["ends_at"]) - datetime.fromisoformat(listed["starts_at"])
    assert timedelta(hours=2) == length

    assert f"silence {made} is over\n" == whystuck("silence", "expire", made, "--store", store).out
    assert "There is no silence.\n" == whystuck("silence", "list", "--store", store).out
    assert made in whystuck("silence", "list", "--all", "--store", store).out


def test_silence_may_begin_later(whystuck: Run, store: str) -> None:
    _add(whystuck, store, "namespace=staging", "--starts", "2998-12-31T00:00:00Z", "--until", FUTURE)
    (listed,) = whystuck("silence", "list", "--store", store, "-o", "jsonl").records
    assert ("2998-12-31T00:00:00Z", FUTURE) == (listed["starts_at"], listed["ends_at"])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param(("staging", "--for", "2h"), "'staging' is no matcher", id="no matcher"),
        pytest.param(("class=~(", "--for", "2h"), "no regular expression", id="no pattern"),
        pytest.param(("a=b",), "--for DURATION", id="no end"),
        pytest.param(("a=b", "--for", "2h", "--until", FUTURE), "--for DURATION", id="two ends"),
        pytest.param(("a=b", "--for", "soon"), "invalid duration", id="no duration"),
        pytest.param(("a=b", "--for", "0s"), "ends after it begins", id="no time"),
        pytest.param(("a=b", "--until", "2020-01-01T00:00:00Z"), "later than now", id="over"),
        pytest.param(("a=b", "--starts", "9999-12-31T00:00:00Z", "--for", "2d"), "too long", id="beyond all calendars"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(whystuck: Run, store: str, arguments: tuple[str, ...], why: str) -> None:
    done = whystuck("silence", "add", *arguments, "--store", store, "--author", "Ada")
    assert 2 == done.code
    assert why in done.err


def test_unknown_silence_cannot_be_ended(whystuck: Run, store: str) -> None:
    done = whystuck("silence", "expire", "0123", "--store", store)
    assert (2, "whystuck: no silence has the id '0123'\n") == (done.code, done.err)


def test_names_are_hidden_where_the_settings_say_so(whystuck: Run, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that no incident names."""
    _add(whystuck, store, "namespace=payments", "key=payments/api", "--for", "2h", "-m", "payments is moved")
    monkeypatch.setenv("WHYSTUCK_REDACT_NAMES", "true")
    for output in ("table", "json"):
        out = whystuck("silence", "list", "--store", store, "-o", output).out
        assert "namespace-1" in out
        assert "payments" not in out
