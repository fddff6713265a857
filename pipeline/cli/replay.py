"""`whystuck replay`: archived logs in, incidents out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.loading import load
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.report.formats import OutputFormat

if TYPE_CHECKING:
    from pipeline.replay import ReplayResult
    from pipeline.sources.files import InputFiles

Threshold = Annotated[
    int | None,
    typer.Option(
        "--threshold", min=1, metavar="N", help="The retry count from which a key runs away.", show_default=False
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="SEVERITY",
        help="From which severity on the exit code is 3: warning, critical or never.",
        show_default=False,
    ),
]
StatisticsSwitch = Annotated[
    bool, typer.Option("--stats", help="Print statistics over keys, failures and causes in place of the incidents.")
]
StatisticsFolder = Annotated[
    Path | None,
    typer.Option(
        "--stats-dir",
        metavar="DIR",
        help="Write the statistics there: CSV, and Parquet where pyarrow is installed.",
        show_default=False,
    ),
]


def replay_command(
    paths: options.Paths,
    output: options.Output = OutputFormat.TABLE,
    config: options.Config = None,
    rules: options.Rules = None,
    since: options.Since = None,
    until: options.Until = None,
    year: options.Year = None,
    cluster: options.Cluster = None,
    namespace: options.Namespaces = None,
    key: options.Keys = None,
    threshold: Threshold = None,
    fail_on: FailOn = None,
    stats: StatisticsSwitch = False,
    stats_dir: StatisticsFolder = None,
) -> None:
    """Read archived logs and print one incident for each root cause."""
    from datetime import UTC, datetime

    from pipeline.replay import ReplayFilter, replay
    from pipeline.report.masking import Masker
    from pipeline.report.progress import ProgressBar
    from pipeline.report.summary import exit_code_of, print_diagnostics
    from pipeline.sources.files import InputFiles

    flags = {
        "engine.runaway.retries": str(threshold) if threshold is not None else None,
        "cluster": cluster,
        "fail_on": fail_on,
    }
    chosen = ReplayFilter(
        since=options.read_time(since, "--since"),
        until=options.read_time(until, "--until"),
        namespaces=tuple(namespace or ()),
        keys=tuple(key or ()),
    )
    settings, loaded = load(config, rules, flags)
    files = InputFiles(paths, settings.read, settings.cluster or "")
    with ProgressBar(files, sys.stderr) as bar:
        result = replay(
            files,
            settings.engine,
            loaded,
            read_at=datetime.now(UTC),
            year_hint=options.year_hint(year),
            chosen=chosen,
            on_progress=bar.update,
            with_statistics=stats or stats_dir is not None,
        )
    result = Masker(settings.redact).mask_result(result)
    if stats_dir is not None:
        _write_statistics(result, stats_dir)
    with reader_may_leave():
        if stats:
            _print_statistics(result, output)
        else:
            _print_result(result, files, output)
    print_diagnostics(files, result.totals, sys.stderr, is_brief=output is OutputFormat.TABLE and not stats)
    raise typer.Exit(exit_code_of(result, files, settings.fail_on))


def _print_result(result: ReplayResult, files: InputFiles, output: OutputFormat) -> None:
    from pipeline.report.residue import headline_of, print_residue

    if output is OutputFormat.TABLE:
        from pipeline.report.table import print_incidents

        print_incidents(result, files, sys.stdout)
        print_residue(result.residue, sys.stdout)
        return
    print_records(result.incidents, output)
    if result.residue.records_count:
        print(f"whystuck: {headline_of(result.residue)}", file=sys.stderr)


def _print_statistics(result: ReplayResult, output: OutputFormat) -> None:
    from pipeline.report.residue import print_residue
    from pipeline.report.serialise import serialise_statistics
    from pipeline.report.statistics import print_statistics

    assert result.statistics is not None
    if output is OutputFormat.TABLE:
        print_statistics(result.statistics, sys.stdout)
        print_residue(result.residue, sys.stdout, limit=None)
        return
    for line in serialise_statistics(result.statistics, output):
        print(line)


def _write_statistics(result: ReplayResult, folder: Path) -> None:
    from pipeline.analysis import Analysis, has_pyarrow

    assert result.statistics is not None
    written = Analysis(result.statistics).write(folder)
    print(f"whystuck: statistics: {len(written)} files in {folder}", file=sys.stderr)
    if not has_pyarrow():
        hint = "CSV only: Parquet needs pyarrow (pip install 'whystuck[parquet]')"
        print(f"whystuck: statistics: {hint}", file=sys.stderr)
