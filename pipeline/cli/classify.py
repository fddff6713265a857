"""`whystuck classify`: every line that a rule recognises."""

from __future__ import annotations

import sys

import typer

from pipeline.cli import options
from pipeline.cli.loading import load
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.report.formats import OutputFormat


def classify_command(
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
) -> None:
    """Print every line that a rule recognises, with its class and the facts in it."""
    from datetime import UTC, datetime

    from pipeline.classification import ClassificationFilter, classify_files
    from pipeline.errors import ExitCode
    from pipeline.report.masking import Masker
    from pipeline.sources.files import InputFiles

    chosen = ClassificationFilter(
        since=options.read_time(since, "--since"),
        until=options.read_time(until, "--until"),
        namespaces=tuple(namespace or ()),
        keys=tuple(key or ()),
    )
    settings, loaded = load(config, rules, {"cluster": cluster})
    files = InputFiles(paths, settings.read, settings.cluster or "")
    found = classify_files(files, loaded, chosen, read_at=datetime.now(UTC), year_hint=options.year_hint(year))
    masker = Masker(settings.redact)
    if masker.is_active:
        found = masker.mask_lines(found)
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            from pipeline.report.classified import print_classified

            print_classified(found, sys.stdout)
        else:
            print_records(found, output)
    for problem in files.problems:
        print(f"whystuck: {problem}", file=sys.stderr)
    raise typer.Exit(ExitCode.FAILED if files.problems else ExitCode.CLEAN)
