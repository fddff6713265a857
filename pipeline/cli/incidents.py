"""`whystuck incidents`: what the daemon has found, out of its store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.cli.stored import login, opened_store
from pipeline.report.formats import OutputFormat

if TYPE_CHECKING:
    from pipeline.store.queries import IncidentFilter

incidents_app = typer.Typer(help="List, show, export and acknowledge incidents in the store.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, or how it begins.", show_default=False)]
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", help="Only these: open, resolved or merged; may be repeated.", show_default=False),
]
Severities = Annotated[
    list[str] | None,
    typer.Option("--severity", help="Only these: critical, warning or info; may be repeated.", show_default=False),
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help="Only these kinds; may be repeated.", show_default=False)
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--class", metavar="CLASS", help="Only causes of these classes; may be repeated.", show_default=False),
]
Clusters = Annotated[
    list[str] | None,
    typer.Option("--cluster", metavar="NAME", help="Only of these clusters; may be repeated.", show_default=False),
]
ChangedSince = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only what changed since then.", show_default=False)
]
OpenedUntil = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only what was opened before.", show_default=False)
]


@incidents_app.command("list")
def list_command(
    output: options.Output = OutputFormat.TABLE,
    config: options.Config = None,
    store: options.Store = None,
    status: Statuses = None,
    severity: Severities = None,
    kind: Kinds = None,
    class_: Classes = None,
    cluster: Clusters = None,
    since: ChangedSince = None,
    until: OpenedUntil = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, metavar="N", help="At most so many.")] = 50,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="ID", help="Go on behind this incident of the last page.", show_default=False),
    ] = None,
) -> None:
    """List incidents, the newest first."""
    from pipeline.report.masking import Masker
    from pipeline.report.stored import print_incident_rows
    from pipeline.store.queries import IncidentQueries

    chosen = _filter(
        status=status, severity=severity, kind=kind, classes=class_, cluster=cluster, since=since, until=until
    )
    with opened_store(config, store) as (settings, database):
        queries = IncidentQueries(database)
        last = queries.find(after).id if after is not None else None
        rows = queries.list_rows(chosen, limit=limit, after=last)
        masker = Masker(settings.redact)
        if masker.is_active:
            masker.learn(queries.read_incidents(chosen))
            rows = masker.mask_all(rows)
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            print_incident_rows(rows, sys.stdout)
        else:
            print_records(rows, output)
    if len(rows) == limit:
        print(f"whystuck: there may be more: --after {rows[-1].id}", file=sys.stderr)


@incidents_app.command("show")
def show_command(
    incident_id: Id,
    output: options.Output = OutputFormat.TABLE,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Show one incident: its cause, evidence, what to do, and what became of it."""
    from pipeline.report.masking import Masker
    from pipeline.report.stored import print_history
    from pipeline.report.table import print_incident
    from pipeline.store.queries import IncidentQueries

    with opened_store(config, store) as (settings, database):
        queries = IncidentQueries(database)
        incident = queries.find(incident_id)
        history, notes = queries.read_history(incident.id), queries.read_acknowledgements(incident.id)
    masker = Masker(settings.redact)
    masker.learn((incident,))
    incident = masker.mask(incident)
    with reader_may_leave():
        if output is OutputFormat.TABLE:
            print_incident(incident, sys.stdout)
            print_history(history, masker.mask_all(notes), sys.stdout)
        else:
            print_records((incident,), output)


@incidents_app.command("export")
def export_command(
    output: Annotated[OutputFormat, typer.Option("--output", "-o", help="How they are printed.")] = OutputFormat.JSONL,
    config: options.Config = None,
    store: options.Store = None,
    status: Statuses = None,
    severity: Severities = None,
    kind: Kinds = None,
    class_: Classes = None,
    cluster: Clusters = None,
    since: ChangedSince = None,
    until: OpenedUntil = None,
) -> None:
    """Print whole incidents, the oldest first, in the form of `whystuck schema incident`."""
    from pipeline.errors import UsageError
    from pipeline.report.masking import Masker
    from pipeline.store.queries import IncidentQueries

    if output is OutputFormat.TABLE:
        raise UsageError("export prints json, jsonl or yaml; for people: `whystuck incidents list` and `show`")
    chosen = _filter(
        status=status, severity=severity, kind=kind, classes=class_, cluster=cluster, since=since, until=until
    )
    with opened_store(config, store) as (settings, database), reader_may_leave():
        queries = IncidentQueries(database)
        masker = Masker(settings.redact)
        if masker.is_active:
            masker.learn(queries.read_incidents(chosen))
        print_records(map(masker.mask, queries.read_incidents(chosen)), output)


@incidents_app.command("ack")
def ack_command(
    incident_id: Id,
    comment: Annotated[str, typer.Option("--comment", "-m", metavar="TEXT", help="What the others should know.")] = "",
    author: Annotated[
        str | None, typer.Option("--author", metavar="NAME", help="Who you are; else your login.", show_default=False)
    ] = None,
    config: options.Config = None,
    store: options.Store = None,
) -> None:
    """Note that you have seen an incident. It stays open until its victims are healthy."""
    from pipeline.store.acknowledging import acknowledge
    from pipeline.store.queries import IncidentQueries

    who = author or login()
    with opened_store(config, store) as (_, database):
        incident = IncidentQueries(database).find(incident_id)
        acknowledge(database, incident.id, author=who, comment=comment)
    print(f"incident {incident.id} is acknowledged by {who}")


def _filter(  # one parameter an option
    *,
    status: list[str] | None,
    severity: list[str] | None,
    kind: list[str] | None,
    classes: list[str] | None,
    cluster: list[str] | None,
    since: str | None,
    until: str | None,
) -> IncidentFilter:
    from pipeline.store.queries import IncidentFilter

    return IncidentFilter(
        statuses=tuple(status or ()),
        severities=tuple(severity or ()),
        kinds=tuple(kind or ()),
        classes=tuple(classes or ()),
        clusters=tuple(cluster or ()),
        since=options.read_time(since, "--since"),
        until=options.read_time(until, "--until"),
    )
