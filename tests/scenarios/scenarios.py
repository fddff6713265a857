"""The scenarios of sample_logs: what they are made of, how they are replayed, in which form results are compared."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from parsers.rules.loader import load_rules
from parsers.rules.model import RuleSet
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles

SCENARIOS = Path(__file__).parents[2] / "sample_logs" / "scenarios"
READ_AT = datetime(2026, 11, 24, tzinfo=UTC)
"""When the scenarios are read, as far as it matters: records without a year are of the year before it."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `scenario.toml`; sample_logs/README.md says what the fields mean."""

    expect: Literal["established", "not_established", "healthy"]
    origin: Literal["recorded", "self_made", "wrapped"]
    release: str
    logs: list[str]
    what_was_done: list[str]
    conclusion: str
    kubernetes: str | None = None
    excerpt: str | None = None
    wraps: str | None = None
    not_yet: str | None = None


def names() -> list[str]:
    """All scenarios."""
    return sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml"))


@cache
def load(name: str) -> Scenario:
    """The description of a scenario."""
    text = (SCENARIOS / name / "scenario.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Scenario)


def paths(name: str) -> list[str]:
    """The logs of a scenario, as arguments of a replay."""
    return [str(SCENARIOS / name / log) for log in load(name).logs]


def expected(name: str) -> list[dict[str, Any]]:
    """The incidents that are right."""
    return json.loads((SCENARIOS / name / "expected.json").read_text(encoding="utf-8"))


@cache
def built_in_rules() -> RuleSet:
    """The rules that every replay has."""
    return load_rules(())


@cache
def replayed(name: str) -> tuple[Incident, ...]:
    """The incidents that a replay finds."""
    files = InputFiles(paths(name))
    return replay(files, EngineSettings(), built_in_rules(), read_at=READ_AT).incidents


def canonical(incidents: Any) -> list[dict[str, Any]]:
    """Incidents without what may differ between two right answers: where and how much was read, how often told."""
    found = json.loads(msgspec.json.encode(incidents))
    for incident in found:
        for field in ("coverage", "provenance", "revision"):
            incident.pop(field, None)
        for evidence in incident["evidence"]:
            evidence.pop("provenance", None)
    return found


def golden_text(incidents: list[dict[str, Any]]) -> str:
    """What stands in `expected.json`."""
    return json.dumps(incidents, indent=2, ensure_ascii=False) + "\n"
