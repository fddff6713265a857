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
        print(f"{file}: {len(own)} rule{'s' if len(own) != 1 else ''}, all samples as they should be")
    raise typer.Exit(ExitCode.USAGE if failed else ExitCode.CLEAN)
