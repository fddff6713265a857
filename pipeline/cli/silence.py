"""`whystuck silence`: what nobody is told for a time."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.cli.stored import login, opened_store
from pipeline.report.formats import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.config import Configuration
    from pipeline.report.masking import Masker
    from pipeline.store.connections import Database
    from pipeline.store.silences import Silence

silence_app = typer.Typer(help="Tell nobody of some incidents for a time.", no_args_is_help=True)


@silence_app.command("add")
def add_command(
    matchers: Annotated[
        list[str],
        typer.Argument(
            metavar="MATCHER...",
            help='As severity=critical, namespace!=staging or class=~"tls.+"; all of them have to match.',
            show_default=False,
        ),
    ],
    for_: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="How long, as 2h or 30m.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="When it ends, instead of --for.", show_default=False)
    ] = None,
    starts: Annotated[
        str | None, typer.Option("--starts", metavar="TIME", help="When it begins; else now.", show_default=False)
    ] = None,
    comment: Annotated[str, typer.Option("--comment", "-m", metavar="TEXT", help="What the others should know.")] = "",
    author: Annotated[
        str | None, typer.Option("--author", metavar="NAME", help="Who you are; else your login.", show_default=False)
    ] = None,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Tell nobody of the incidents that all matchers match. They are found and kept as before."""
    from pipeline.delivery.matching import parse_matchers
    from pipeline.store.silences import add_silence

    checked = [str(matcher) for matcher in parse_matchers(matchers)]
    starts_at = options.read_time(starts, "--starts") or datetime.now(UTC)
    ends_at = _end(for_, until, starts_at)
    who = author or login()
    with opened_store(config, store) as (_, database):
        made = add_silence(database, checked, starts_at, ends_at, author=who, comment=comment)
    print(f"silence {made.id} ends at {made.ends_at:%Y-%m-%d %H:%M:%SZ}")


@silence_app.command("list")
def list_command(
    output: options.Output = OutputFormat.TABLE,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """List silences that are not over, those that end first in front."""
    from pipeline.report.deliveries import print_silences
    from pipeline.store.silences import list_silences

    with opened_store(config, store) as (settings, database):
        found = list_silences(database, ends_after=None if all_ else datetime.now(UTC))
        shown = _masker(settings, database, found).mask_all(found)
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            print_silences(shown, sys.stdout)
        else:
            print_records(shown, output)


@silence_app.command("expire")
def expire_command(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="The silence's id.", show_default=False)],
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """End a silence now."""
    from pipeline.store.silences import expire_silence

    with opened_store(config, store) as (_, database):
        expire_silence(database, silence_id)
    print(f"silence {silence_id} is over")


def _end(length: str | None, until: str | None, starts_at: datetime) -> datetime:
    from pipeline.errors import UsageError
    from pipeline.quantities import parse_duration

    if (length is None) is (until is None):
        raise UsageError("say how long: --for DURATION, as 2h, or --until TIME")
    ends_at = options.read_time(until, "--until")
    if ends_at is not None:
        return ends_at
    try:
        return starts_at + timedelta(seconds=parse_duration(length or ""))
    except OverflowError as error:
        raise UsageError(f"--for {length!r}: too long") from error


def _masker(settings: Configuration, database: Database, silences: Sequence[Silence]) -> Masker:
    from pipeline.report.masking import Masker
    from pipeline.report.silence_names import learn_silences
    from pipeline.store.queries import IncidentFilter, IncidentQueries

    masker = Masker(settings.redact)
    if masker.is_active:
        masker.learn(IncidentQueries(database).read_incidents(IncidentFilter()))
        learn_silences(masker, silences)
    return masker
