"""`whystuck replay`: archived logs in, incidents out."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.loading import load
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.report.formats import OutputFormat

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
) -> None:
    """Read archived logs and print one incident for each root cause."""
    from datetime import UTC, datetime

    from pipeline.replay import ReplayFilter, replay
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
        )
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            from pipeline.report.table import print_incidents

            print_incidents(result, files, sys.stdout)
        else:
            print_records(result.incidents, output)
    print_diagnostics(files, result.totals, sys.stderr, is_brief=output is OutputFormat.TABLE)
    raise typer.Exit(exit_code_of(result, files, settings.fail_on))
