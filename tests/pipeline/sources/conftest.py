"""What the tests of the files source share: reading paths to the end."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pipeline.sources.files import InputFiles
from pipeline.sources.journal import ReadLimits
from pipeline.sources.log_streams import LogStream
from tests.pipeline.sources.file_samples import Outcome, Reader


@pytest.fixture
def read() -> Reader:
    """Read paths to the end."""

    def read_paths(
        *paths: Path | str, limits: ReadLimits | None = None, stdin: bytes = b"", cluster: str = ""
    ) -> Outcome:
        files = InputFiles([str(path) for path in paths], limits, cluster, stdin=io.BytesIO(stdin))
        logs = {
            stream.origin.source: list(stream.blocks()) for stream in files.streams() if isinstance(stream, LogStream)
        }
        return Outcome(logs, files.problems, files.skipped, files.notes, files.progress)

    return read_paths
