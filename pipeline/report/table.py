"""Incidents for a person: what is stuck, since when, why, the line that shows it, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.engine.incidents import Evidence, Incident, Victim
from pipeline.report.summary import describe_totals

if TYPE_CHECKING:
    from pipeline.replay import ReplayResult
    from pipeline.sources.files import InputFiles

MAX_VICTIMS = 12
_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


def print_incidents(result: ReplayResult, files: InputFiles, stream: TextIO) -> None:
    """Print all incidents and what was read."""
    console = Console(file=stream, soft_wrap=not stream.isatty(), highlight=False)
    shown = [incident for incident in result.incidents if incident.status != "merged"]
    for number, incident in enumerate(shown, 1):
        _print_incident(console, incident, number, len(shown))
    if not shown:
        console.print("No incident: nothing was stuck for longer than the rule allows.", style="green")
    for line in describe_totals(files, result.totals):
        console.print(Text(line, style="dim"))


def _print_incident(console: Console, incident: Incident, number: int, count: int) -> None:
    style = _STYLES[incident.severity]
    head = f"[{style}]{incident.severity.upper()}[/] [bold]{escape(incident.title)}[/]"
    console.print(f"{head} [dim]({number} of {count}, {incident.status}, id {incident.id})[/]")
    _print_field(console, "Since", _since(incident))
    _print_field(console, "Why", _why(incident))
    for link in incident.cause.chain[:-1]:
        _print_field(console, "", f"in: {link}")
    for suspect in incident.cause.suspects:
        _print_field(console, "Suspect", f"{suspect.text} (but: {'; '.join(suspect.against)})")
    evidence = _best_evidence(incident)
    if evidence is not None:
        _print_field(console, "Evidence", f"{evidence.provenance.source}:{evidence.provenance.line}: {evidence.text}")
    console.print(_victims_table(incident.victims))
    steps = [(step.step, step.command) for step in incident.remediation]
    missing = [(f"get {one.what}", one.command) for one in incident.cause.missing]
    _print_steps(console, "What to do", steps)
    _print_steps(console, "What is missing", missing)
    console.print()


def _print_field(console: Console, name: str, value: str) -> None:
    console.print(Text.assemble((f"  {name:<9}", "bold"), value))


def _print_steps(console: Console, title: str, steps: Iterable[tuple[str, str | None]]) -> None:
    for number, (step, command) in enumerate(steps, 1):
        if number == 1:
            console.print(Text(f"  {title}", style="bold"))
        console.print(Text(f"    {number}. {step}"))
        if command is not None:
            console.print(Text(f"       $ {command}", style="green"))


def _since(incident: Incident) -> str:
    since = min(victim.stuck_since_at for victim in incident.victims)
    is_estimate = any(victim.stuck_since_is_estimate and victim.stuck_since_at == since for victim in incident.victims)
    about = "about " if is_estimate else ""
    until = f", resolved {_time(incident.resolved_at)}" if incident.resolved_at is not None else ", not over at the end of the log"
    return f"{about}{_time(since)}{until}"


def _why(incident: Incident) -> str:
    cause = incident.cause
    if not cause.established:
        return "cause not established: " + (cause.chain[-1] if cause.chain else "the log holds no error of these keys")
    return f"{cause.failure_class}: {cause.chain[-1]}"


def _best_evidence(incident: Incident) -> Evidence | None:
    """The first line that shows the cause reported."""
    deepest = incident.cause.chain[-1] if incident.cause.chain else ""
    showing = (one for one in incident.evidence if deepest and deepest[:80] in one.text)
    return next(showing, incident.evidence[0] if incident.evidence else None)


def _victims_table(victims: tuple[Victim, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim")
    for name, justify in (("  stuck", "left"), ("retries", "right"), ("failures", "right"), ("since", "left"), ("pace", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # two of the values it takes
    for victim in victims[:MAX_VICTIMS]:
        place = f"{victim.namespace}/{victim.name}" if victim.namespace else victim.name or ""
        table.add_row(
            Text(f"  {victim.kind} {place}"),
            str(victim.retries) if victim.retries is not None else "-",
            str(victim.failures),
            ("~" if victim.stuck_since_is_estimate else "") + _time(victim.stuck_since_at),
            victim.pace.replace("_", " ") + (", stale" if victim.is_stale else ""),
        )
    if len(victims) > MAX_VICTIMS:
        table.add_row(Text(f"  and {len(victims) - MAX_VICTIMS} more"), "", "", "", "")
    return table


def _time(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if at is not None else "-"
