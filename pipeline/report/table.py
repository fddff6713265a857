"""Incidents for a person: what is stuck, since when, why, the line that shows it, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from pipeline.engine.incidents import CulpritFacts, Evidence, Incident, Suspect, Symptom, Victim, deepest_of
from pipeline.engine.phrases import age_text
from pipeline.report.summary import describe_totals
from pipeline.report.surroundings import change_rows, replica_rows, unread_rows, way_rows
from pipeline.report.terminal import make_console

if TYPE_CHECKING:
    from pipeline.replay import ReplayResult
    from pipeline.sources.files import InputFiles

MAX_VICTIMS = 12
_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


def print_incidents(result: ReplayResult, files: InputFiles, stream: TextIO) -> None:
    """Print all incidents and what was read."""
    # Lines are never cut or folded here: a terminal folds them, a file keeps names and commands whole.
    console = make_console(stream, is_soft=True)
    shown = [incident for incident in result.incidents if incident.status != "merged"]
    for number, incident in enumerate(shown, 1):
        _print_incident(console, incident, f"incident {number} of {len(shown)}", "at the end of the log")
    if not shown:
        console.print("No incident: nothing was stuck for longer than the rule allows.", style="green")
    for line in describe_totals(files, result.totals):
        console.print(Text(line, style="dim"))


def print_incident(incident: Incident, stream: TextIO) -> None:
    """Print one incident of a store."""
    _print_incident(make_console(stream, is_soft=True), incident, "incident", f"by {_time(incident.updated_at)}")


def _print_incident(console: Console, incident: Incident, name: str, until: str) -> None:
    """`until`: of which time the incident tells, where it is not over."""
    style = _STYLES[incident.severity]
    console.print(f"[{style}]{incident.severity.upper()}[/] [bold]{escape(incident.title)}[/]")
    console.print(Text(f"  {name}, {incident.status}, id {incident.id}", style="dim"))
    _print_field(console, "Since", _since(incident, until))
    evidence = _best_evidence(incident)
    _print_field(console, "Why", _why(incident, evidence))
    _print_field(console, "Culprit", _culprit(incident))
    _print_fields(console, way_rows(incident))
    for symptom in incident.cause.symptoms:
        _print_field(console, "Symptom", _symptom(symptom))
    for suspect in incident.cause.suspects:
        _print_fields(console, _suspect_rows(suspect))
    if evidence is not None:
        _print_field(console, "Evidence", f"{evidence.provenance.source}:{evidence.provenance.line}")
        _print_field(console, "", evidence.text)
    if incident.cause.basis == "named_object":
        _print_field(console, "Error", incident.victims[0].last_error or "")
    for line in _aligned(_victim_rows(incident.victims)):
        console.print(Text(f"  {line}"))
    _print_fields(console, replica_rows(incident))
    _print_fields(console, change_rows(incident))
    steps = [(step.step, step.command) for step in incident.remediation]
    missing = [(f"get {one.what}", one.command) for one in incident.cause.missing]
    _print_steps(console, "What to do", steps)
    _print_steps(console, "What is missing", missing)
    _print_fields(console, unread_rows(incident))
    if incident.runbook_url is not None:
        _print_field(console, "Read more", incident.runbook_url)
    console.print()


def _print_field(console: Console, name: str, value: str) -> None:
    console.print(Text.assemble((f"  {name:<9} ", "bold"), value))


def _print_fields(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    for name, value in rows:
        _print_field(console, name, value)


def _print_steps(console: Console, title: str, steps: Iterable[tuple[str, str | None]]) -> None:
    for number, (step, command) in enumerate(steps, 1):
        if number == 1:
            console.print(Text(f"  {title}", style="bold"))
        console.print(Text(f"    {number}. {step}"))
        if command is not None:
            console.print(Text(f"       $ {command}", style="green"))


def _since(incident: Incident, until: str) -> str:
    since = min(victim.stuck_since_at for victim in incident.victims)
    is_estimate = any(victim.stuck_since_is_estimate and victim.stuck_since_at == since for victim in incident.victims)
    about = "about " if is_estimate else ""
    if incident.resolved_at is None:
        return f"{about}{_time(since)}, not over {until}"
    return (
        f"{about}{_time(since)}, resolved {_time(incident.resolved_at)} after {age_text(since, incident.resolved_at)}"
    )


def _why(incident: Incident, evidence: Evidence | None) -> str:
    cause = incident.cause
    deepest = deepest_of(cause.chain)
    if not cause.established:
        return f"cause not established: {deepest or 'the log holds retry lines without an error'}"
    # What stands behind the deepest cause in its line belongs to it, as the reason that a webhook gives.
    _, found, rest = evidence.text.partition(deepest) if evidence is not None else ("", "", "")
    return f"{cause.failure_class}: {found}{rest}" if found else f"{cause.failure_class}: {deepest}"


def _culprit(incident: Incident) -> str:
    culprit = incident.cause.culprit
    if culprit is None:
        return "nobody: there is no evidence against anybody"
    return _culprit_text(culprit)


def _culprit_text(culprit: CulpritFacts) -> str:
    """Kind, place and address of a culprit."""
    name = "/".join(part for part in (culprit.namespace, culprit.name) if part)
    host = f"({culprit.host})" if name and culprit.host else culprit.host
    return " ".join(part for part in (culprit.kind, name, host) if part)


def _symptom(symptom: Symptom) -> str:
    return f"{symptom.failure_class}, {_times(symptom.count)} ({symptom.why}): {symptom.text}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _suspect_rows(suspect: Suspect) -> Iterable[tuple[str, str]]:
    who = f" ({_culprit_text(suspect.culprit)})" if suspect.culprit is not None else ""
    yield "Suspect", f"{suspect.failure_class}{who}, {_times(suspect.count)}: {suspect.text}"
    yield from (("", f"for it: {point.text}") for point in suspect.in_favour)
    yield from (("", f"against: {point.text}") for point in suspect.against)


def _best_evidence(incident: Incident) -> Evidence | None:
    """The first line that shows the cause reported."""
    deepest = deepest_of(incident.cause.chain)
    showing = (one for one in incident.evidence if deepest and deepest[:80] in one.text)
    return next(showing, incident.evidence[0] if incident.evidence else None)


def _victim_rows(victims: Sequence[Victim]) -> Iterable[tuple[str, ...]]:
    yield ("Stuck", "retries", "failures", "since", "pace")
    for victim in victims[:MAX_VICTIMS]:
        place = "/".join(part for part in (victim.namespace, victim.name) if part)
        about = "~" if victim.stuck_since_is_estimate else ""
        yield (
            f"{victim.kind} {place}",
            str(victim.retries) if victim.retries is not None else "-",
            str(victim.failures),
            about + _time(victim.stuck_since_at),
            victim.pace.replace("_", " ") + (", stale" if victim.is_stale else ""),
        )
    if len(victims) > MAX_VICTIMS:
        yield (f"and {len(victims) - MAX_VICTIMS} more", "", "", "", "")


_NUMBER_COLUMNS = (1, 2)


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """Lines of the rows, columns below each other, numbers on the right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (
            cell.rjust(width) if index in _NUMBER_COLUMNS else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def _time(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if at is not None else "-"
