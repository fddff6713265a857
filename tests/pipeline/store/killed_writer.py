"""A writing process, killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.store.settings import StoreSettings

ROOT = Path(__file__).parents[3]


def kill_writer(settings: StoreSettings, *, in_batch: int | None = None, after_batch: int = 1) -> int:
    """Let a process commit, and kill it: in the middle of a batch, or at once when it has told of one.

    Returns:
        The last batch it has told of.
    """
    command = [sys.executable, "-m", "tests.pipeline.store.writer", settings.url]
    told = 0
    with subprocess.Popen(
        command if in_batch is None else [*command, str(in_batch)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            told = int(line)
            if in_batch is None and told == after_batch:
                break
        writer.kill()
    return told
