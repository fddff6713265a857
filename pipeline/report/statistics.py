"""Statistics for a person: the keys that failed most, failures by class and hour, how long until a cause was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import TextIO

from rich.console import Console
from rich.text import Text

from pipeline.report.terminal import make_console
from pipeline.statistics.rows import CauseRow, FailureRow, Statistics

MAX_KEYS = 15
MAX_CLASSES = 12
MAX_INCIDENTS = 15
MAX_HOURS = 24
_BARS = " ▁▂▃▄▅▆▇█"


def print_statistics(statistics: Statistics, stream: TextIO) -> None:
    """Print what the frames say, the longest of them cut."""
    console = make_console(stream, is_soft=True)
    covered = f"{_time(statistics.first_at)} to {_time(statistics.last_at)}" if statistics.first_at else "no times"
    console.print(Text(f"Covered: {covered}", style="bold"))
    if not statistics.failures:
        console.print("No failures.")
    else:
        _print_classes(console, statistics.failures)
        _print_keys(console, statistics)
    if statistics.causes:
        _print_causes(console, statistics)


def _print_classes(console: Console, rows: Sequence[FailureRow]) -> None:
    first_at, last_at = min(row.at for row in rows), max(row.at for row in rows)
    passed = int((last_at - first_at).total_seconds()) // 3600
    hours = [last_at - timedelta(hours=hour) for hour in range(min(passed, MAX_HOURS - 1), -1, -1)]
    by_class: dict[str, list[FailureRow]] = {}
    for row in rows:
        by_class.setdefault(row.failure_class, []).append(row)
    order = sorted(by_class.items(), key=lambda item: (-sum(row.attempts for row in item[1]), item[0]))
    lines = []
    for name, found in order:
        counts = {row.at: row.attempts + row.others for row in found}
        attempts, others = sum(row.attempts for row in found), sum(row.others for row in found)
        most_keys = max(row.keys for row in found)
        bars = _bars(counts.get(hour, 0) for hour in hours)
        lines.append((name, f"{attempts:,}", f"{others:,}", f"{most_keys:,}", bars))
    head = ("class", "attempts+", "others+", "keys+", f"by hour, {_time(hours[0])} to {_time(hours[-1])}")
    _print_table(console, "Failures by class", head, lines, MAX_CLASSES)


def _print_keys(console: Console, statistics: Statistics) -> None:
    head = ("key", "attempts+", "retries+", "streaks+", "longest+", "attempts in it+", "first", "last")
    lines = [
        (
            f"{row.kind} {row.namespace}/{row.name}",
            f"{row.attempts:,}",
            f"{row.max_retries:,}" if row.max_retries is not None else "-",
            f"{row.streaks:,}",
            _duration(row.longest_streak_seconds),
            f"{row.longest_streak_attempts:,}",
            _time(row.first_failed_at),
            _time(row.last_failed_at),
        )
        for row in statistics.keys
    ]
    _print_table(console, "Keys that failed", head, lines, MAX_KEYS)
    if statistics.keys_omitted_count:
        console.print(Text(f"  {statistics.keys_omitted_count:,} failures of keys beyond the limit are left out"))


def _print_causes(console: Console, statistics: Statistics) -> None:
    most: dict[str, tuple[int, int]] = {}
    for point in statistics.blast_radius:
        victims, namespaces = most.get(point.incident, (0, 0))
        most[point.incident] = max(victims, point.victims), max(namespaces, point.namespaces)
    head = ("incident", "class", "onset", "to cause+", "to opened+", "victims at once+", "namespaces+")
    lines = [
        (
            row.incident,
            row.failure_class,
            ("~" if row.onset_is_estimate else "") + _time(row.onset_at),
            _duration(row.onset_to_cause_seconds),
            _duration(row.onset_to_opened_seconds),
            *(f"{count:,}" for count in most.get(row.incident, (0, 0))),
        )
        for row in statistics.causes
    ]
    _print_table(console, "Time to cause and blast radius", head, lines, MAX_INCIDENTS)
    console.print(Text(f"  {_medians(statistics.causes)}"))


def _medians(rows: Sequence[CauseRow]) -> str:
    seen = [row.onset_to_cause_seconds for row in rows if row.onset_to_cause_seconds is not None]
    opened = [row.onset_to_opened_seconds for row in rows]
    to_cause = _duration(median(seen)) if seen else "-"
    return f"median from onset to cause {to_cause}, to opened {_duration(median(opened))}"


def _print_table(
    console: Console, title: str, head: Sequence[str], lines: Sequence[tuple[str, ...]], limit: int
) -> None:
    """Rows below each other, never folded; a column whose name ends in + holds numbers."""
    console.print()
    console.print(Text(title, style="bold"))
    shown = lines[:limit]
    names = [name.removesuffix("+") for name in head]
    widths = [max(map(len, column)) for column in zip(names, *shown, strict=True)]
    for number, line in enumerate((names, *shown)):
        cells = (
            cell.rjust(width) if name.endswith("+") else cell.ljust(width)
            for name, cell, width in zip(head, line, widths, strict=True)
        )
        console.print(Text(f"  {'  '.join(cells).rstrip()}", style="" if number else "dim"))
    if len(lines) > limit:
        console.print(Text(f"  and {len(lines) - limit:,} more", style="dim"))


def _bars(counts: Iterable[int]) -> str:
    """One block an hour, the highest for the most."""
    values = list(counts)
    most = max(values, default=0)
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // most)] if most else " " for value in values)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at is not None else "-"
