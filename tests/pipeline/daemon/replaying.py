"""A recording replayed, and what has to be equal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from pipeline.replay import ReplayFilter, ReplayResult, replay
from pipeline.sources.files import InputFiles
from tests.scenarios.scenarios import READ_AT, built_in_rules


def replay_recording(
    recording: Path,
    *others: Path,
    chosen: ReplayFilter | None = None,
    notes: list[str] | None = None,
    engine: EngineSettings | None = None,
) -> ReplayResult:
    """Replay it, with other inputs beside it; what is told about them is added to `notes`."""
    files = InputFiles([str(path) for path in (recording, *others)])
    result = replay(files, engine or EngineSettings(), built_in_rules(), read_at=READ_AT, chosen=chosen)
    assert [] == files.problems
    if notes is not None:
        notes += map(str, files.notes)
    return result


def told(incidents: Iterable[Incident]) -> list[tuple[str, int, str, str]]:
    """What somebody was told last of each, and how often."""
    return [(one.id, one.revision, one.transition.name, one.transition.reason) for one in incidents]
