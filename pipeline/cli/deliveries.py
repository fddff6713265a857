"""`whystuck deliveries`: notifications in the store, and those that are sent again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.loading import load_settings
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.cli.stored import opened_store
from pipeline.report.formats import OutputFormat

if TYPE_CHECKING:
    from pipeline.config import Configuration
    from pipeline.delivery.receiver_settings import ReceiverSettings
    from pipeline.report.masking import Masker
    from pipeline.store.connections import Database

deliveries_app = typer.Typer(help="List and redrive notifications, enable and test receivers.", no_args_is_help=True)

Receivers = Annotated[
    list[str] | None,
    typer.Option("--receiver", metavar="NAME", help="Only to these; may be repeated.", show_default=False),
]
States = Annotated[
    list[str] | None,
    typer.Option("--state", help="Only these: pending, sent, dead or superseded; may be repeated.", show_default=False),
]


@deliveries_app.command("list")
def list_command(
    output: options.Output = OutputFormat.TABLE,
    config: options.Config = None,
    store: options.Store = None,
    receiver: Receivers = None,
    state: States = None,
    incident: Annotated[
        str | None,
        typer.Option("--incident", metavar="ID", help="Only those that tell of this incident.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, metavar="N", help="At most so many.")] = 50,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="ID", help="Go on behind this one of the last page.", show_default=False),
    ] = None,
) -> None:
    """List notifications, the newest first; then which receivers are disabled."""
    from pipeline.report.deliveries import print_delivery_rows
    from pipeline.store.delivery_queries import DeliveryFilter, DeliveryQueries
    from pipeline.store.queries import IncidentQueries

    with opened_store(config, store) as (settings, database):
        told = IncidentQueries(database).find(incident).id if incident is not None else None
        chosen = DeliveryFilter(receivers=tuple(receiver or ()), states=_states(state), incident=told)
        queries = DeliveryQueries(database)
        last = queries.find(after).id if after is not None else None
        rows = queries.list_rows(chosen, limit=limit, after=last)
        disabled = queries.list_disabled()
        masker = _masker(settings, database, [row.id for row in rows])
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            print_delivery_rows(masker.mask_all(rows), sys.stdout)
        else:
            print_records(masker.mask_all(rows), output)
    for one in masker.mask_all(disabled):
        print(f"whystuck: receiver {one.name} is disabled since {one.disabled_at}: {one.reason}", file=sys.stderr)
    if len(rows) == limit:
        print(f"whystuck: there may be more: --after {rows[-1].id}", file=sys.stderr)


@deliveries_app.command("show")
def show_command(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="The notification's id.", show_default=False)],
    output: options.Output = OutputFormat.TABLE,
    body: Annotated[bool, typer.Option("--body", help="Print what is sent, byte for byte, and nothing else.")] = False,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Show one notification: what became of it, and what it tells of."""
    from pipeline.errors import UsageError
    from pipeline.report.deliveries import print_delivery
    from pipeline.store.delivery_queries import DeliveryQueries

    with opened_store(config, store) as (settings, database):
        queries = DeliveryQueries(database)
        found = queries.find(delivery_id)
        masker = _masker(settings, database, [found.id])
        if body and masker.is_active:
            raise UsageError("--body prints what is sent as it is, with names that the setting redact hides elsewhere")
        sent = queries.read_body(found.id) if body else b""
    with reader_may_leave():
        if body:
            sys.stdout.flush()
            sys.stdout.buffer.write(sent)
        elif output is OutputFormat.TABLE:
            print_delivery(masker.mask(found), sys.stdout)
        else:
            print_records((masker.mask(found),), output)


@deliveries_app.command("redrive")
def redrive_command(
    delivery_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Ids of dead notifications.", show_default=False)
    ] = None,
    receiver: Annotated[
        str | None,
        typer.Option("--receiver", metavar="NAME", help="All dead ones of this receiver.", show_default=False),
    ] = None,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Have dead notifications sent again, under the same id and byte for byte."""
    from pipeline.errors import UsageError
    from pipeline.store.delivery_queries import redrive, redrive_receiver

    if bool(delivery_ids) is (receiver is not None):
        raise UsageError("say which: ids of notifications, or --receiver NAME")
    with opened_store(config, store) as (_, database):
        if receiver is not None:
            delivery_ids = list(redrive_receiver(database, receiver))
        else:
            redrive(database, delivery_ids or ())
    for identity in dict.fromkeys(delivery_ids or ()):
        print(f"notification {identity} is sent again")
    if not delivery_ids:
        print(f"whystuck: no notification for {receiver} is dead", file=sys.stderr)


@deliveries_app.command("enable")
def enable_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The receiver's name.", show_default=False)],
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Send again to a receiver that was disabled because it answered 410 Gone."""
    from pipeline.store.delivery_queries import enable_receiver

    with opened_store(config, store) as (_, database):
        enable_receiver(database, name)
    print(f"receiver {name} is enabled")


@deliveries_app.command("test")
def try_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The receiver's name.", show_default=False)],
    config: options.Config = None,
) -> None:
    """Send a test message to a receiver, once and at once, past the store, and say what became of it."""
    import uuid
    from importlib.metadata import version

    from pipeline.delivery.sending.outcome import Verdict
    from pipeline.delivery.sending.senders import check_receiver, create_sender
    from pipeline.delivery.sending.trial import try_receiver
    from pipeline.errors import ExitCode

    chosen = _receiver(load_settings(config), name)
    check_receiver(chosen)
    message_id = f"msg_{uuid.uuid4().hex}"
    outcome = try_receiver(chosen, create_sender(chosen, version("whystuck")), message_id, datetime.now(UTC))
    status = f" {outcome.status}" if outcome.status is not None else ""
    said = f"{outcome.verdict.value}: {outcome.reason.value}{status} {outcome.detail}".rstrip()
    print(f"{message_id} to {name} at {chosen.address}: {said}, after {outcome.took_seconds:.1f} s")
    raise typer.Exit(ExitCode.CLEAN if outcome.verdict is Verdict.DELIVERED else ExitCode.FAILED)


def _receiver(settings: Configuration, name: str) -> ReceiverSettings:
    from pipeline.errors import UsageError

    known = {each.name: each for each in settings.delivery.receivers}
    if name not in known:
        raise UsageError(f"no receiver {name!r} is configured; there are {', '.join(sorted(known)) or 'none'}")
    return known[name]


def _states(given: list[str] | None) -> tuple[str, ...]:
    from pipeline.errors import UsageError
    from pipeline.store.deliveries import DeliveryState

    known = [state.value for state in DeliveryState]
    for state in given or ():
        if state not in known:
            raise UsageError(f"--state {state!r}: no such state; there are {', '.join(known)}")
    return tuple(given or ())


def _masker(settings: Configuration, database: Database, ids: list[str]) -> Masker:
    """One that knows the names in what these notifications tell of."""
    from pipeline.report.masking import Masker
    from pipeline.store.delivery_queries import DeliveryQueries
    from pipeline.store.queries import IncidentQueries

    masker = Masker(settings.redact)
    if masker.is_active:
        masker.learn(IncidentQueries(database).read_some(DeliveryQueries(database).incidents_of(ids)))
    return masker
