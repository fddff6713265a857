"""What reading gave, and small compressed files and archives, for the tests of the files source."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import lz4.frame
import msgspec
import zstandard

from parsers.records import Block
from pipeline.sources.journal import InputNote, InputProblem, Progress, SkippedInput


class Outcome(msgspec.Struct, frozen=True):
    """All that reading some paths gave."""

    logs: dict[str, list[Block]]  # by the stream's source
    problems: list[InputProblem]
    skipped: list[SkippedInput]
    notes: list[InputNote]
    progress: Progress

    @property
    def texts(self) -> dict[str, bytes]:
        """The lines of each stream, joined."""
        return {source: b"".join(block.data for block in blocks) for source, blocks in self.logs.items()}

    @property
    def lines(self) -> list[bytes]:
        """The lines of all streams."""
        return b"".join(self.texts.values()).splitlines()


Reader = Callable[..., Outcome]


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lz4": lz4.frame.compress,
}


def write_tar(path: Path, members: Sequence[tuple[str, bytes]], mode: str = "w") -> Path:
    """Write a tar archive of regular files, compressed as `mode` says, in the order given."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            header.mtime = 1_767_225_600  # 2026-01-01T00:00:00Z
            archive.addfile(header, io.BytesIO(content))
    return path


def write_zip(path: Path, members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, compress_type=method)
    return path
