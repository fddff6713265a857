"""The table shows a person what JSON holds beside the cause: numbers, the way, what changed, what was not read."""

from __future__ import annotations

import io

import msgspec

from pipeline.engine.incidents import Coverage, Incident
from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.report.table import print_incident
from pipeline.sources.files import InputFiles
from tests.scenarios.scenarios import READ_AT, SCENARIOS, built_in_rules, load


def _incident(scenario: str) -> Incident:
    files = InputFiles([str(SCENARIOS / scenario / log) for log in load(scenario).logs])
    (incident,) = replay(files, EngineSettings(), built_in_rules(), read_at=READ_AT).incidents
    return incident


def _printed(incident: Incident) -> list[str]:
    stream = io.StringIO()
    print_incident(incident, stream)
    return stream.getvalue().splitlines()


def test_surroundings_of_the_seed() -> None:
    """What the person on call would look for with kubectl."""
    printed = _printed(_incident("emissary-500-with-objects"))
    assert (
        "  Way       HorizontalPodAutoscaler crm/lead-scoring > Rollout crm/lead-scoring > Mapping crm/lead-scoring > "
        "CustomResourceDefinition mappings.getambassador.io > Service emissary-system/emissary-apiext"
    ) in printed
    (replicas,) = [line for line in printed if line.startswith("  Replicas ")]
    assert "wanted 21, available 16, the HPA says 21, its ReplicaSets want " in replicas
    before = [line[12:] for line in printed if line.startswith("  Before ")]
    assert 1 == len(before)


def test_rights_that_are_missing_are_shown() -> None:
    """What could not be read is not taken for what is not there."""
    incident = _incident("emissary-refused")
    blind = msgspec.structs.replace(incident, coverage=Coverage(not_read=("services", "leases")))
    printed = _printed(blind)
    assert "  Not read  services" in printed
    assert "            leases" in printed
    assert not any(line.startswith(("  Way ", "  Replicas ")) for line in printed)


def test_open_incident_of_a_store_ends_with_no_log() -> None:
    """Its newest revision is of a time; the log goes on."""
    incident = msgspec.structs.replace(_incident("emissary-refused"), status="open", resolved_at=None)
    (since,) = [line for line in _printed(incident) if line.startswith("  Since ")]
    assert since.endswith(f", not over by {incident.updated_at:%Y-%m-%d %H:%M:%SZ}")
