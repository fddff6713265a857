"""A progress bar with rate and time left, on standard error when that is a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pipeline.sources.files import InputFiles


class ProgressBar:
    """Shows how much of the stored files was read. Shows nothing where nobody looks."""

    def __init__(self, files: InputFiles, stream: TextIO) -> None:
        self._files = files
        self._stream = stream
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

            columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=Console(file=self._stream), transient=True)
            self._task = self._progress.add_task("reading", total=None)
            self._progress.start()
        return self

    def update(self) -> None:
        """Some more was read."""
        if self._progress is not None and self._task is not None:
            read = self._files.progress
            self._progress.update(self._task, completed=read.read_bytes, total=read.total_bytes or None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
