"""Analysis with pandas: the statistics of logs as data frames, for notebooks, CSV and Parquet.

Importing this module needs no pandas; making an `Analysis` does. Memory is that of the sums, not that of the log. Times
are UTC with their zone, durations seconds; docs/analysis.md describes every column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.errors import WhystuckError
from pipeline.statistics.collector import StatisticsCollector
from pipeline.statistics.rows import BlastRow, CauseRow, FailureRow, KeyRow, RetryRow, Statistics
from pipeline.templates import Template, TemplateCollector

if TYPE_CHECKING:
    import pandas as pd

    from parsers.events import Event
    from pipeline.config import Configuration
    from pipeline.engine.incidents import Incident

FRAMES: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("keys", KeyRow),
    ("retries", RetryRow),
    ("failures", FailureRow),
    ("causes", CauseRow),
    ("blast_radius", BlastRow),
    ("templates", Template),
)
"""The frames by name, and the rows they are made of."""

_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell."""


class Analysis:
    """Data frames over keys, failures, incidents and what was not understood."""

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics
        self._frames = {name: _frame(getattr(statistics, name), row) for name, row in FRAMES}

    @classmethod
    def of_events(cls, events: Iterable[Event], incidents: Sequence[Incident] = ()) -> Analysis:
        """The analysis of events in the order of time, and of the incidents that were made of them."""
        sums, templates = StatisticsCollector(), TemplateCollector()
        first_at: datetime | None = None
        last_at: datetime | None = None
        for event in events:
            sums.add(event)
            templates.add(event)
            first_at = event.at if first_at is None else min(first_at, event.at)
            last_at = event.at if last_at is None else max(last_at, event.at)
        residue = templates.residue(first_at, last_at)
        return cls(sums.statistics(incidents, residue, first_at=first_at, last_at=last_at))

    @classmethod
    def of_logs(cls, paths: Sequence[str], configuration: Configuration | None = None) -> Analysis:
        """Replay logs (paths as `whystuck replay` takes them) and analyse them.

        Raises:
            WhystuckError: A log could not be read.
        """
        from parsers.rules.loader import load_rules
        from pipeline.config import Configuration
        from pipeline.replay import replay
        from pipeline.sources.files import InputFiles

        settings = configuration or Configuration()
        files = InputFiles(list(paths), settings.read, settings.cluster or "")
        rules = load_rules(tuple(Path(file) for file in settings.rules))
        result = replay(files, settings.engine, rules, read_at=datetime.now(UTC), with_statistics=True)
        if files.problems:
            raise WhystuckError("; ".join(map(str, files.problems)))
        assert result.statistics is not None
        return cls(result.statistics)

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """All frames by name."""
        return dict(self._frames)

    @property
    def keys(self) -> pd.DataFrame:
        """A row for each key that failed: attempts, retries, streaks."""
        return self._frames["keys"]

    @property
    def retries(self) -> pd.DataFrame:
        """A row for each key and bucket of time: attempts, highest printed count."""
        return self._frames["retries"]

    @property
    def failures(self) -> pd.DataFrame:
        """A row for each class and hour."""
        return self._frames["failures"]

    @property
    def causes(self) -> pd.DataFrame:
        """A row for each incident: how long until its cause could be seen, and until it was opened."""
        return self._frames["causes"]

    @property
    def blast_radius(self) -> pd.DataFrame:
        """A row for each change of how many objects an incident holds."""
        return self._frames["blast_radius"]

    @property
    def templates(self) -> pd.DataFrame:
        """A row for each template of errors that no rule knows."""
        return self._frames["templates"]

    def retries_over_time(self) -> pd.DataFrame:
        """Highest printed count by time (rows) and key (columns, `namespace/name`); NaN where nothing was printed."""
        named = self.retries.assign(key=self.retries["namespace"] + "/" + self.retries["name"])
        return named.pivot_table(index="at", columns="key", values="retries", aggfunc="max")

    def failures_by_hour(self) -> pd.DataFrame:
        """Failed attempts and other failure lines by hour (rows) and class (columns); 0 where there were none."""
        total = self.failures.assign(total=self.failures["attempts"] + self.failures["others"])
        return total.pivot_table(index="at", columns="class", values="total", aggfunc="sum", fill_value=0)

    def time_to_cause(self) -> pd.DataFrame:
        """Seconds from the onset to the first line with the cause, and to the opened incident, by class."""
        columns = ["onset_to_cause_seconds", "onset_to_opened_seconds"]
        return self.causes.groupby("class")[columns].agg(["count", "median", "max"])

    def blast_radius_over_time(self, incident: str) -> pd.DataFrame:
        """Victims and namespaces of one incident by minute, from its onset to its last change."""
        own = self.blast_radius[self.blast_radius["incident"] == incident].set_index("at")
        return own[["victims", "namespaces"]].resample("1min").last().ffill()

    def write(self, directory: Path, *, parquet: bool | None = None) -> list[Path]:
        """Write each frame as CSV and, where pyarrow is installed, as Parquet; returns the files.

        In CSV a cell of text that a spreadsheet would take for a formula gets an apostrophe before it.

        Args:
            directory: Where to; it is made if it is not there. Files of an earlier run are replaced.
            parquet: None: Parquet where pyarrow is installed. True: it has to be.

        Raises:
            WhystuckError: The directory cannot be written to, or pyarrow is asked for and not installed.
        """
        has_parquet = has_pyarrow()
        if parquet and not has_parquet:
            raise WhystuckError("Parquet needs pyarrow, which is not installed: pip install 'whystuck[parquet]'")
        written: list[Path] = []
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, frame in self._frames.items():
                written.append(directory / f"{name}.csv")
                _harmless(frame).to_csv(written[-1], index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
                if has_parquet and parquet is not False:
                    written.append(directory / f"{name}.parquet")
                    frame.to_parquet(written[-1], index=False)
        except OSError as error:
            raise WhystuckError(f"{directory}: cannot write the statistics: {error.strerror or error}") from error
        return written


def has_pyarrow() -> bool:
    """Whether Parquet can be written."""
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def _frame(rows: Sequence[msgspec.Struct], row: type[msgspec.Struct]) -> pd.DataFrame:
    """The rows as columns of a fixed type, also where there are no rows."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for field in msgspec.structs.fields(row):
        values = [getattr(one, field.name) for one in rows]
        columns |= _columns_of(field.encode_name, field.type, values)
    return pd.DataFrame(columns)


def _columns_of(name: str, kind: object, values: list[Any]) -> dict[str, Any]:
    import pandas as pd

    if name == "keys" and kind is not int:
        return {"keys": pd.Series([", ".join(one) for one in values], dtype="string")}
    if name == "samples":
        first = [one[0] for one in values]
        return {
            "sample_source": pd.Series([one.source for one in first], dtype="string"),
            "sample_line": pd.Series([one.line for one in first], dtype="Int64"),
            "sample_text": pd.Series([one.text for one in first], dtype="string"),
        }
    if name.endswith("_at") or name == "at":
        return {name: pd.to_datetime(pd.Series(values, dtype="object"), utc=True).astype("datetime64[us, UTC]")}
    if name.endswith("_seconds"):
        return {name: pd.Series(values, dtype="Float64")}
    if kind is bool:
        return {name: pd.Series(values, dtype="boolean")}
    if kind in (int, int | None):
        return {name: pd.Series(values, dtype="Int64")}
    return {name: pd.Series([getattr(one, "value", one) for one in values], dtype="string")}


def _harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an apostrophe before every text that would be a formula."""
    texts = frame.select_dtypes("string").columns
    safe = frame.copy()
    for name in texts:
        is_formula = safe[name].str.startswith(_FORMULA_BEGINS).fillna(value=False)
        safe[name] = safe[name].mask(is_formula, "'" + safe[name])
    return safe
