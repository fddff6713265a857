"""Every scenario is answered as its golden file says, by the library and by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.engine.incidents import Incident
from pipeline.report.schemas import incident_schema
from tests.scenarios.scenarios import SCENARIOS, canonical, expected, load, names, paths, replayed

LEAST_COUNTS = {"established": 20, "not_established": 4, "healthy": 4}
LEAST_CLASSES = 12
FOREIGN_TO_A_WRAPPING = ("controller",)
"""A wrapping may name the controller's namespace, which the bare log does not."""


def _all_names() -> list[Any]:
    """Scenarios as parameters; where the answer is not right yet, the test has to fail."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=reason, strict=True))
        if (reason := load(name).not_yet)
        else name
        for name in names()
    ]


@pytest.mark.parametrize("name", _all_names())
def test_replay_gives_the_expected_incidents(name: str) -> None:
    """Where this fails and the new answer is better: `python -m tests.scenarios.freeze NAME`."""
    assert expected(name) == canonical(replayed(name))


@pytest.mark.parametrize("name", names())
def test_command_prints_what_replay_finds(name: str) -> None:
    """As JSON, in the same order, with the status that the findings ask for."""
    result = CliRunner().invoke(app, ["replay", "-o", "json", *paths(name)])
    assert canonical(replayed(name)) == canonical(json.loads(result.stdout))
    assert (3 if replayed(name) else 0) == result.exit_code


@pytest.mark.parametrize("name", ["seed-emissary-expired", "unknown-bare-timeout", "healthy-handover"])
def test_installed_command_prints_one_incident_a_line(name: str) -> None:
    """The command as a user starts it."""
    command = [
        sys.executable,
        "-c",
        "from pipeline.cli.main import main; main()",
        "replay",
        "-o",
        "jsonl",
        *paths(name),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert expected(name) == canonical([json.loads(line) for line in done.stdout.splitlines()])
    assert (3 if expected(name) else 0) == done.returncode, done.stderr


@pytest.mark.parametrize("name", names())
def test_incidents_fit_the_published_schema(name: str) -> None:
    """The whole incident, and the expected one as far as it goes."""
    validator = Draft202012Validator(incident_schema())
    for incident in replayed(name):
        validator.validate(json.loads(msgspec.json.encode(incident)))
    for incident in expected(name):
        validator.validate({**incident, "revision": 1, "evidence": []})


@pytest.mark.parametrize("name", names())
def test_expectation_is_of_the_kind_that_the_scenario_names(name: str) -> None:
    """Established, or not and then nobody is blamed, or no incident at all."""
    kinds = {"established" if incident["cause"]["established"] else "not_established" for incident in expected(name)}
    assert {load(name).expect} == (kinds or {"healthy"})
    for incident in expected(name):
        cause = incident["cause"]
        assert cause["established"] or (cause["class"], cause["culprit"]) == ("unknown", None)


@pytest.mark.parametrize("name", names())
def test_evidence_stands_where_it_says(name: str) -> None:
    """In the line and the file that are named, where that file is plain text in one piece; an object begins there."""
    for incident in replayed(name):
        for evidence in incident.evidence:
            path = Path(evidence.provenance.source)
            if path.suffix == ".gz" or "!/" in str(path) or load(name).origin == "wrapped":
                continue
            lines = path.read_text(encoding="utf-8").splitlines()[evidence.provenance.line - 1 :]
            where = lines[:200] if path.suffix == ".json" else lines[:1]
            assert any(_bare(evidence.text)[:120] in _bare(line) for line in where)


def _bare(text: str) -> str:
    """A text without what a format escapes."""
    return text.replace("\\", "")


@pytest.mark.parametrize("name", [name for name in names() if load(name).wraps])
def test_wrapping_changes_nothing(name: str) -> None:
    """What is known of a log does not depend on how it was stored."""
    wrapped, bare = expected(name), expected(load(name).wraps or "")
    for incident in (*wrapped, *bare):
        for field in FOREIGN_TO_A_WRAPPING:
            del incident[field]
    assert bare == wrapped


def test_there_are_enough_scenarios_of_each_kind() -> None:
    """Named causes, causes that cannot be named, and nothing at all."""
    counts = Counter(load(name).expect for name in names())
    assert {} == {kind: counts[kind] for kind, least in LEAST_COUNTS.items() if counts[kind] < least}
    classes = {incident["cause"]["class"] for name in names() for incident in expected(name)} - {"unknown"}
    assert len(classes) >= LEAST_CLASSES, sorted(classes)


def test_every_folder_is_a_scenario() -> None:
    """With its description, its logs and its expectation, and nothing else."""
    for folder in SCENARIOS.iterdir():
        found = {path.name for path in folder.iterdir()}
        own_logs = {log for log in load(folder.name).logs if not log.startswith("../")}
        assert {"scenario.toml", "expected.json", *own_logs} == found, folder


def test_incident_record_is_what_is_compared() -> None:
    """A field that is new to the incident is in every golden file."""
    fields = {field.encode_name for field in msgspec.structs.fields(Incident)} - {"coverage", "provenance", "revision"}
    assert fields == set(expected("seed-emissary-expired")[0])
