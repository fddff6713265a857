"""The command `whystuck`: its verbs, and how errors end it."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from pipeline.cli.classify import classify_command
from pipeline.cli.completion import completion_command
from pipeline.cli.config import config_app
from pipeline.cli.deliveries import deliveries_app
from pipeline.cli.incidents import incidents_app
from pipeline.cli.replay import replay_command
from pipeline.cli.rules import rules_app
from pipeline.cli.schema import schema_command
from pipeline.cli.silence import silence_app
from pipeline.cli.store import store_app
from pipeline.cli.version import version_command
from pipeline.cli.watch import watch_command
from pipeline.errors import ExitCode, InterruptionError, WhystuckError

app = typer.Typer(
    name="whystuck",
    help="Why is this rollout stuck? Reads Argo Rollouts controller logs and names the root cause, with evidence.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: Rich would take longer to import than everything else together
    pretty_exceptions_enable=False,
)
app.command("replay")(replay_command)
app.command("classify")(classify_command)
app.command("watch")(watch_command)
app.add_typer(incidents_app, name="incidents")
app.add_typer(deliveries_app, name="deliveries")
app.add_typer(silence_app, name="silence")
app.add_typer(rules_app, name="rules")
app.add_typer(store_app, name="store")
app.add_typer(config_app, name="config")
app.command("schema")(schema_command)
app.command("version")(version_command)
app.command("completion")(completion_command)


def main() -> NoReturn:
    """Run the command and exit with its code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(prog_name="whystuck")
    except WhystuckError as error:
        print(f"whystuck: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(ExitCode.CLEAN)


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise InterruptionError(number)
