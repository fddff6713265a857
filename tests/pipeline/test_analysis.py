"""Sums of events, the data frames made of them, and the files they are written to."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from parsers.events import (
    Event,
    Failure,
    FailureSeen,
    KeyDeleted,
    ObjectKey,
    ReplicasBlocked,
    RetryCounted,
    SyncCompleted,
    SyncFailed,
    SyncRefused,
)
from parsers.records import Origin
from parsers.unknown import unknown_failure
from pipeline.analysis import FRAMES, Analysis
from pipeline.errors import WhystuckError
from pipeline.statistics.collector import StatisticsCollector

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORIGIN = Origin(source="controller.log")
API, WEB = ObjectKey("rollout", "shop", "api"), ObjectKey("rollout", "shop", "web")
EXPIRED = Failure("tls.expired", "tls.expired", "x509: certificate has expired")
SEED = Path(__file__).parents[2] / "sample_logs" / "scenarios" / "seed-emissary-expired" / "controller.log"


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _failed(seconds: float, key: ObjectKey = API, failure: Failure = EXPIRED) -> SyncFailed:
    return SyncFailed(_at(seconds), ORIGIN, 1, key, failure)


def _counted(seconds: float, count: int, key: ObjectKey = API) -> RetryCounted:
    return RetryCounted(_at(seconds), ORIGIN, 1, key, count)


def _passed(seconds: float, key: ObjectKey = API) -> SyncCompleted:
    return SyncCompleted(_at(seconds), ORIGIN, 1, key)


def _sums(events: Sequence[Event], **settings: int) -> StatisticsCollector:
    collector = StatisticsCollector(**settings)
    for event in events:
        collector.add(event)
    return collector


STREAKS: Mapping[str, tuple[list[Event], tuple[int, int, int, float]]] = {
    "one": ([_failed(0), _failed(10), _failed(20)], (3, 1, 3, 20)),
    "ended by a pass": ([_failed(0), _failed(10), _passed(20), _failed(60)], (3, 2, 2, 10)),
    "a failing pass ends nothing": ([_failed(0), _passed(10), _failed(10.001), _failed(20)], (3, 1, 3, 20)),
    "two passes": ([_failed(0), _passed(10), _passed(20), _failed(20.5)], (2, 2, 1, 0)),
    "a refused pass ends nothing": (
        [SyncRefused(_at(0), ORIGIN, 1, API, EXPIRED), _passed(0.1), _failed(60)],
        (2, 1, 2, 60),
    ),
    "ended by deletion": ([_failed(0), KeyDeleted(_at(5), ORIGIN, 1, API), _failed(60)], (2, 2, 1, 0)),
    "blocked": (
        [ReplicasBlocked(_at(0), ORIGIN, 1, API, EXPIRED), _passed(10), _passed(20), _failed(60)],
        (2, 1, 2, 60),
    ),
    "unblocked": (
        [ReplicasBlocked(_at(0), ORIGIN, 1, API, EXPIRED), ReplicasBlocked(_at(9), ORIGIN, 1, API, None), _failed(60)],
        (2, 2, 1, 0),
    ),
    "retry lines only": ([_counted(0, 3), _counted(10, 4)], (2, 1, 2, 10)),
    "attempts with their retry lines": ([_failed(0), _counted(0, 1), _failed(10), _counted(10, 2)], (2, 1, 2, 10)),
}


@pytest.mark.parametrize(("events", "expected"), STREAKS.values(), ids=STREAKS)
def test_streaks(events: list[Event], expected: tuple[int, int, int, float]) -> None:
    """Attempts, number of streaks, the longest in attempts and in seconds."""
    (row,) = _sums(events).statistics().keys
    found = (row.attempts, row.streaks, row.longest_streak_attempts, row.longest_streak_seconds)
    assert expected == found


def test_keys_that_never_failed_have_no_row() -> None:
    """Healthy passes are most of a log."""
    assert () == _sums([_passed(0), _passed(10, WEB)]).statistics().keys


def test_keys_are_sorted_by_attempts() -> None:
    """The worst first."""
    rows = _sums([_failed(0), _failed(1, WEB), _failed(2, WEB)]).statistics().keys
    assert ["web", "api"] == [row.name for row in rows]


def test_retries_by_minute() -> None:
    """The highest count of each minute, and the attempts in it."""
    rows = _sums([_failed(0), _counted(0, 5), _counted(30, 7), _counted(90, 9)]).statistics().retries
    assert [(START, 2, 7), (_at(60), 1, 9)] == [(row.at, row.attempts, row.retries) for row in rows]


def test_failures_by_class_and_hour() -> None:
    """Attempts of keys, different keys, and lines that are no attempt."""
    seen = FailureSeen(_at(10), ORIGIN, 1, EXPIRED, "other")
    events = [_failed(0), _failed(1, WEB), _failed(2, WEB), seen, _failed(3600), _failed(5, API, unknown_failure("x"))]
    rows = _sums(events).statistics().failures
    assert [
        ("tls.expired", START, 3, 2, 1),
        ("unknown", START, 1, 1, 0),
        ("tls.expired", _at(3600), 1, 1, 0),
    ] == [(row.failure_class, row.at, row.attempts, row.keys, row.others) for row in rows]


def test_buckets_get_wider_where_there_are_too_many() -> None:
    """Memory stays, sums stay, only the resolution goes."""
    statistics = _sums([_counted(minute * 60, minute) for minute in range(600)], max_buckets=50).statistics()
    assert 900 == statistics.bucket_seconds
    assert len(statistics.retries) <= 50
    assert 600 == sum(row.attempts for row in statistics.retries)
    assert 599 == max(row.retries or 0 for row in statistics.retries)


def test_one_bucket_for_each_key_is_the_end_of_it() -> None:
    """More keys than buckets: nothing is lost, and it ends."""
    keys = [ObjectKey("rollout", "shop", f"k{number}") for number in range(40)]
    statistics = _sums([_counted(0, 1, key) for key in keys], max_buckets=10).statistics()
    assert 40 == len(statistics.keys)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """The incident that whystuck was made for."""
    return Analysis.of_logs([str(SEED)])


def test_seed_in_numbers(analysis: Analysis) -> None:
    """371 retries in one streak of almost an hour."""
    row = analysis.keys.iloc[0]
    assert ("production", "api-production-api", 371, 1) == (row["namespace"], row["name"], row.max_retries, row.streaks)
    assert row.longest_streak_seconds == pytest.approx(3457)


def test_time_to_cause(analysis: Analysis) -> None:
    """The cause stood in the first failing line; the incident was opened half a minute later."""
    row = analysis.causes.iloc[0]
    assert (0.0, 30.0) == (row.onset_to_cause_seconds, row.onset_to_opened_seconds)
    assert 30.0 == analysis.time_to_cause().loc["tls.expired", ("onset_to_opened_seconds", "median")]


def test_blast_radius(analysis: Analysis) -> None:
    """One victim from the onset to the recovery."""
    frame = analysis.blast_radius_over_time(analysis.causes["incident"][0])
    assert [1, 0] == [frame["victims"].iloc[0], frame["victims"].iloc[-1]]
    assert frame.index[0].floor("min") == analysis.causes["onset_at"][0].floor("min")


def test_retries_over_time(analysis: Analysis) -> None:
    """A column for each key; the count rises to its maximum."""
    column = analysis.retries_over_time()["production/api-production-api"].dropna()
    assert 371 == column.max()
    assert column.is_monotonic_increasing


def test_failures_by_hour(analysis: Analysis) -> None:
    """All attempts stand in some hour."""
    assert 351 == analysis.failures_by_hour()["tls.expired"].sum()


COLUMN_TYPES = {"_at": "datetime64", "_seconds": "Float64"}


@pytest.mark.parametrize("name", [name for name, _ in FRAMES])
def test_columns_have_their_types_also_without_rows(name: str, analysis: Analysis) -> None:
    """A frame that is empty today has the same columns as tomorrow's."""
    empty = Analysis.of_events([]).frames[name]
    full = analysis.frames[name]
    assert list(full.columns) == list(empty.columns)
    assert [str(one) for one in full.dtypes] == [str(one) for one in empty.dtypes]
    for suffix, kind in COLUMN_TYPES.items():
        assert all(str(full[column].dtype).startswith(kind) for column in full if column.endswith(suffix))


def test_nothing_to_analyse_is_no_error(tmp_path: Path) -> None:
    """Every view of nothing is empty."""
    nothing = Analysis.of_events([])
    views = (nothing.retries_over_time(), nothing.failures_by_hour(), nothing.time_to_cause())
    assert [0, 0, 0] == [len(view) for view in views]
    assert 6 == len(nothing.write(tmp_path, parquet=False))


def test_events_give_the_same_as_the_replay_of_their_log() -> None:
    """`of_events` counts what it is given."""
    found = Analysis.of_events([_failed(0), _counted(0, 4), _failed(10, WEB, unknown_failure("odd thing happened"))])
    assert {"api": 1, "web": 1} == dict(zip(found.keys["name"], found.keys["attempts"], strict=True))
    assert ["odd thing happened"] == list(found.templates["template"])


def test_csv_is_read_back(analysis: Analysis, tmp_path: Path) -> None:
    """Times in RFC 3339, numbers as numbers."""
    analysis.write(tmp_path, parquet=False)
    frame = pd.read_csv(tmp_path / "keys.csv", parse_dates=["first_failed_at"])
    assert 371 == frame["max_retries"][0]
    assert analysis.keys["first_failed_at"][0] == frame["first_failed_at"][0]


FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx"]


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_holds_no_formula(text: str, tmp_path: Path) -> None:
    """A text of a log never runs in a spreadsheet."""
    key = ObjectKey("rollout", text, "api")
    Analysis.of_events([_failed(0, key, unknown_failure(f"{text} and more words"))]).write(tmp_path, parquet=False)
    for file in tmp_path.iterdir():
        with file.open(newline="", encoding="utf-8") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert [] == [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert f"'{text}" in (tmp_path / "keys.csv").read_bytes().decode().replace('""', '"')


def test_numbers_below_zero_stay_numbers(tmp_path: Path) -> None:
    """Only text can be a formula."""
    frame = Analysis.of_events([_failed(0)])
    assert "'" not in "".join(path.read_text(encoding="utf-8") for path in frame.write(tmp_path, parquet=False))


def test_parquet_is_read_back(analysis: Analysis, tmp_path: Path) -> None:
    """With its types."""
    analysis.write(tmp_path)
    assert list(analysis.keys.columns) == list(pd.read_parquet(tmp_path / "keys.parquet").columns)


_WITHOUT_PYARROW = """
import sys
from importlib.machinery import PathFinder
from pathlib import Path


class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "pyarrow" else super().find_spec(name, path, target)


sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
from pipeline.analysis import Analysis
from pipeline.errors import WhystuckError

try:
    Analysis.of_events([]).write(Path(sys.argv[1]), parquet=True)
except WhystuckError as error:
    print(error)
"""


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    """Where it is asked for, in a process that has none."""
    command = [sys.executable, "-c", _WITHOUT_PYARROW, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "pip install 'whystuck[parquet]'" in done.stdout


def test_directory_that_cannot_be_made_is_named(analysis: Analysis, tmp_path: Path) -> None:
    """One line, with the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WhystuckError, match=r"file: cannot write the statistics: \w"):
        analysis.write(tmp_path / "file", parquet=False)


def test_logs_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """An analysis of half a log is none."""
    with pytest.raises(WhystuckError, match=r"missing\.log"):
        Analysis.of_logs([str(tmp_path / "missing.log")])


def test_pandas_and_drain3_are_not_loaded_before_they_are_needed() -> None:
    """They take longer to load than a small log to read."""
    code = "import sys, pipeline.analysis, pipeline.replay; sys.exit(bool({'pandas', 'drain3'} & sys.modules.keys()))"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
