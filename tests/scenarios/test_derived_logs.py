"""The sample logs that are made of others are what their script makes."""

from __future__ import annotations

import gzip

import pytest

from sample_logs.make_derived import SCENARIOS, derived_files
from tests.scenarios.scenarios import load, names

DERIVED = dict(derived_files())


def _plain(contents: bytes, name: str) -> bytes:
    """What a file holds: compressed bytes differ between versions of zlib."""
    return gzip.decompress(contents) if name.endswith(".gz") else contents


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_file_is_what_the_script_writes(path) -> None:
    """Where this fails: `python sample_logs/make_derived.py`, and look at what changes."""
    assert _plain(DERIVED[path], path.name) == _plain(path.read_bytes(), path.name)


def test_every_derived_scenario_has_its_maker() -> None:
    """And every maker its scenario."""
    made = {path.relative_to(SCENARIOS).parts[0] for path in DERIVED}
    assert made == {name for name in names() if load(name).origin != "recorded"}
