"""Replay: archived logs in, incidents out. A thin caller of the extractor and the engine, which the daemon shares."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from parsers.rules.model import RuleSet
from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Coverage, Incident
from pipeline.engine.settings import EngineSettings
from pipeline.moments import Moment
from pipeline.replay_filter import ReplayFilter
from pipeline.snapshot_clusters import SnapshotClusters
from pipeline.sources.files import InputFiles
from pipeline.spooling import ReadTotals, Spooler
from pipeline.statistics.collector import StatisticsCollector
from pipeline.statistics.rows import Statistics
from pipeline.story import Story
from pipeline.templates import Residue, TemplateCollector

__all__ = ["ReadTotals", "ReplayFilter", "ReplayResult", "find_residue", "replay"]


class ReplayResult(msgspec.Struct, frozen=True):
    """Incidents in their final state, sorted by opened_at then id, what was read, and what was not understood."""

    incidents: tuple[Incident, ...]
    totals: ReadTotals
    residue: Residue = Residue()
    statistics: Statistics | None = None  # None: nobody asked for them


def replay(
    files: InputFiles,
    settings: EngineSettings,
    rules: RuleSet,
    *,
    read_at: datetime,
    year_hint: datetime | None = None,
    chosen: ReplayFilter | None = None,
    on_progress: Callable[[], None] = lambda: None,
    with_statistics: bool = False,
) -> ReplayResult:
    """Read all logs and find their incidents. An interruption (Ctrl-C) ends the reading, not the finding."""
    taken = chosen or ReplayFilter()
    spooler = Spooler(rules, read_at=read_at, year_hint=year_hint, on_progress=on_progress, settings=settings)
    spools, totals = spooler.spool_all(files), spooler.totals
    engine = Engine(settings, rules, evaluate_every=None)  # only the end of the story is asked for
    for log in totals.logs:
        engine.watch(taken.part_of(log))
    story = Story(engine)
    templates, sums = TemplateCollector(), StatisticsCollector()
    for event in spooler.merged(spools, taken):
        story.go_on(event)
        if isinstance(event, Moment):
            continue
        templates.add(event)
        if with_statistics:
            sums.add(event)
    engine.finish()
    coverage = _coverage(files, totals, spooler.clusters)
    incidents = tuple(_covered(incident, coverage) for incident in story.incidents())
    first_at, last_at = taken.time_covered(totals.first_at, totals.last_at)
    residue = templates.residue(first_at, last_at, omitted_count=totals.residue_omitted)
    return ReplayResult(
        incidents=incidents,
        totals=totals,
        residue=residue,
        statistics=sums.statistics(incidents, residue, first_at=first_at, last_at=last_at) if with_statistics else None,
    )


def find_residue(
    files: InputFiles,
    rules: RuleSet,
    *,
    read_at: datetime,
    year_hint: datetime | None = None,
    chosen: ReplayFilter | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> tuple[Residue, ReadTotals]:
    """Read all logs for the errors that no rule knows; no incidents are formed."""
    taken = chosen or ReplayFilter()
    spooler = Spooler(rules, read_at=read_at, year_hint=year_hint, on_progress=on_progress)
    spools, totals = spooler.spool_all(files), spooler.totals
    templates = TemplateCollector()
    for event in spooler.merged(spools, taken):
        if not isinstance(event, Moment):
            templates.add(event)
    return templates.residue(
        *taken.time_covered(totals.first_at, totals.last_at), omitted_count=totals.residue_omitted
    ), totals


def _coverage(files: InputFiles, totals: ReadTotals, clusters: SnapshotClusters) -> Coverage:
    return Coverage(
        sources=tuple(sorted(totals.sources)[:100]),
        lines_read=totals.lines,
        lines_unparsed=sum(totals.unparsed.values()),
        first_at=totals.first_at,
        last_at=totals.last_at,
        not_read=tuple(sorted([*map(str, files.problems), *clusters.problems()])[:100]),
    )


def _covered(incident: Incident, coverage: Coverage) -> Incident:
    """The incident with what was read; what objects could not be read when they were recorded is not read either."""
    not_read = tuple(dict.fromkeys([*incident.coverage.not_read, *coverage.not_read]))
    return msgspec.structs.replace(incident, coverage=msgspec.structs.replace(coverage, not_read=not_read))
