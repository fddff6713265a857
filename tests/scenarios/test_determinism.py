"""One input has one answer, byte for byte: whatever the hash seed, the order of files and of origins, the blocks."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.engine.settings import EngineSettings
from pipeline.replay import replay
from pipeline.sources.files import InputFiles
from pipeline.sources.journal import ReadLimits
from tests.mutations import herrings
from tests.mutations.cases import is_log, scenario_cases
from tests.scenarios.scenarios import READ_AT, built_in_rules, canonical, paths

MANY_ORIGINS = ["cause-in-another-log", "controller-restarted-twice", "emissary-500-with-objects"]
FILES = {case.id: case.files for case in scenario_cases() if case.id in MANY_ORIGINS}


def _printed(arguments: Sequence[str], seed: int) -> bytes:
    """What the command prints in a process of its own."""
    command = [sys.executable, "-c", "from pipeline.cli.main import main; main()", "replay", "-o", "json", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    return subprocess.run(command, capture_output=True, check=False, timeout=240, env=environment).stdout


@pytest.mark.parametrize("name", MANY_ORIGINS)
def test_output_is_the_same_for_every_hash_seed_and_order_of_files(name: str) -> None:
    """Three processes, the files in another order in each."""
    files = paths(name)
    outputs = {_printed(random.Random(seed).sample(files, len(files)), seed) for seed in (0, 1, 4711)}
    assert 1 == len(outputs)
    assert outputs != {b""}


def _found(path: Path, limits: ReadLimits | None = None) -> list[dict[str, object]]:
    files = InputFiles([str(path)], limits)
    return canonical(replay(files, EngineSettings(), built_in_rules(), read_at=READ_AT).incidents)


@pytest.mark.parametrize("name", [name for name in MANY_ORIGINS if sum(map(is_log, FILES[name].values())) > 1])
def test_incidents_do_not_depend_on_how_origins_are_interleaved(name: str) -> None:
    """Lines of all pods in one file, in any order that keeps each pod's own."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(5):
            mixed = herrings.mixed_into_one(FILES[name], {}, random.Random(seed), by_time=seed == 0)
            path = Path(folder) / "all.log"
            path.write_bytes(mixed["all.log"])
            found.append(_found(path))
    assert found[0]
    assert [found[0]] * 4 == found[1:]


@pytest.mark.parametrize("block_bytes", [1, 1000, 65_537])
def test_incidents_do_not_depend_on_the_size_of_blocks(block_bytes: int) -> None:
    """A block of one byte is a line."""
    path = Path(paths("emissary-500")[0])
    assert _found(path) == _found(path, ReadLimits(block_bytes=block_bytes))
