"""The locks fit pyproject.toml, and every dependency says why it is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
TABLES = tomllib.loads(PROJECT)
RUNTIME = [*TABLES["project"]["dependencies"], *TABLES["dependency-groups"]["build"]]
EXTRAS = [each for extra in TABLES["project"]["optional-dependencies"].values() for each in extra]
DEV = [*RUNTIME, *TABLES["project"]["optional-dependencies"]["dev"]]
LOCKS = {"requirements.lock": RUNTIME, "requirements-dev.lock": DEV}


def _locked(lock: str) -> dict[str, Requirement]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    requirements = [Requirement(line.rstrip("\\ ")) for line in text.splitlines() if re.match("[a-z]", line)]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


@pytest.mark.parametrize(("lock", "dependencies"), LOCKS.items(), ids=LOCKS)
def test_lock_has_every_dependency(lock: str, dependencies: list[str]) -> None:
    """Where this fails: `make lock`."""
    locked = _locked(lock)
    for dependency in map(Requirement, dependencies):
        (version,) = locked[canonicalize_name(dependency.name)].specifier
        assert dependency.specifier.contains(version.version), dependency


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_and_hashes_everything_and_names_no_server(lock: str) -> None:
    """A lock works with every registry, and takes nothing that was not seen before."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z])", text)[1:]
    assert [] == [entry for entry in entries if "--hash=sha256:" not in entry]
    assert "://" not in text
    assert "--index" not in text


def test_development_runs_on_the_versions_of_the_runtime() -> None:
    """What is tested is what is shipped."""
    runtime = _locked("requirements.lock").items()
    assert runtime <= _locked("requirements-dev.lock").items()


@pytest.mark.parametrize("dependency", [*RUNTIME, *EXTRAS])
def test_dependency_says_why(dependency: str) -> None:
    """Its line ends in a comment."""
    assert re.search(rf'"{re.escape(dependency)}".*#\s*\S', PROJECT)
