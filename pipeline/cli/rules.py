"""`whystuck rules`: list, show and test rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.loading import load, load_rule_files
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.report.formats import OutputFormat

rules_app = typer.Typer(help="List, show and test rules.", no_args_is_help=True)


@rules_app.command("list")
def list_command(
    output: options.Output = OutputFormat.TABLE, config: options.Config = None, rules: options.Rules = None
) -> None:
    """List the rules in force, built-in and yours."""
    from pipeline.report.rules import describe_rule, print_rules

    _, loaded = load(config, rules)
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            print_rules(loaded, sys.stdout)
        else:
            print_records([describe_rule(rule) for rule in loaded], output)


@rules_app.command("show")
def show_command(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="The rule's id.")],
    output: options.Output = OutputFormat.TABLE,
    config: options.Config = None,
    rules: options.Rules = None,
) -> None:
    """Show one rule: what it means, where its message comes from, what to do."""
    from difflib import get_close_matches

    from pipeline.errors import UsageError
    from pipeline.report.rules import describe_rule, print_rule

    _, loaded = load(config, rules)
    try:
        rule = loaded.get(rule_id)
    except KeyError:
        near = get_close_matches(rule_id, [one.id for one in loaded], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; `whystuck rules list` names them all"
        message = f"no rule {rule_id!r}{hint}"
        raise UsageError(message) from None
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            print_rule(rule, sys.stdout)
        else:
            print_records([describe_rule(rule)], output)


@rules_app.command("test")
def test_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rule files.", show_default=False)],
) -> None:
    """Check rule files: every rule loads, its samples match, and no other sample does."""
    from pipeline.errors import ExitCode, RuleError

    failed = False
    for file in files:
        try:
            loaded = load_rule_files([file])
        except RuleError as error:
            print(error, file=sys.stderr)
            failed = True
            continue
        own = [rule for rule in loaded if loaded.is_user_rule(rule)]
        drafts = sum(rule.explanation.startswith("TODO") for rule in own)
        note = f"; {drafts} still {'has' if drafts == 1 else 'have'} a TODO for an explanation" if drafts else ""
        print(f"{file}: {len(own)} rule{'s' if len(own) != 1 else ''}, all samples as they should be{note}")
    raise typer.Exit(ExitCode.USAGE if failed else ExitCode.CLEAN)


@rules_app.command("suggest")
def suggest_command(
    paths: options.Paths,
    output_file: Annotated[
        Path | None,
        typer.Option("--output-file", metavar="FILE", help="Where to write the drafts to.", show_default=False),
    ] = None,
    config: options.Config = None,
    rules: options.Rules = None,
    since: options.Since = None,
    until: options.Until = None,
    year: options.Year = None,
    namespace: options.Namespaces = None,
    key: options.Keys = None,
) -> None:
    """Draft rules for the errors in logs that no rule knows."""
    from datetime import UTC, datetime

    from pipeline.errors import ExitCode
    from pipeline.replay import ReplayFilter, find_residue
    from pipeline.report.drafts import render_rules
    from pipeline.report.masking import Masker
    from pipeline.report.residue import headline_of
    from pipeline.sources.files import InputFiles
    from pipeline.suggestions import suggest_rules

    chosen = ReplayFilter(
        since=options.read_time(since, "--since"),
        until=options.read_time(until, "--until"),
        namespaces=tuple(namespace or ()),
        keys=tuple(key or ()),
    )
    settings, loaded = load(config, rules)
    files = InputFiles(paths, settings.read, settings.cluster or "")
    residue, totals = find_residue(
        files, loaded, read_at=datetime.now(UTC), year_hint=options.year_hint(year), chosen=chosen
    )
    print(f"whystuck: {headline_of(residue)}", file=sys.stderr)
    masked = Masker(settings.redact).mask_residue(residue)
    found = suggest_rules(masked.templates, {rule.id for rule in loaded})
    if found.drafts:
        _hand_out(render_rules(found), output_file)
    for problem in files.problems:
        print(f"whystuck: {problem}", file=sys.stderr)
    if totals.interrupted_by is not None:
        raise typer.Exit(128 + totals.interrupted_by)
    raise typer.Exit(ExitCode.FAILED if files.problems else ExitCode.CLEAN)


def _hand_out(text: str, file: Path | None) -> None:
    """The drafts into a new file, or printed. A file that is there may hold somebody's work: it stays."""
    from pipeline.errors import UsageError, WhystuckError

    if file is None:
        with reader_may_leave():
            print(text, end="")
        return
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UsageError(f"{file}: is there already; choose another file for the drafts") from error
    except OSError as error:
        raise WhystuckError(f"{file}: cannot write the drafts: {error.strerror or error}") from error
    print(f"whystuck: drafts in {file}; check them with `whystuck rules test {file}`", file=sys.stderr)
