"""The files source: from the path arguments of a replay to streams of blocks.

arguments -> paths (remote) -> parts -> rotation -> groups of parts
part -> layers (compression) -> archives (more parts) or contents -> encoding -> blocks (newest_first) -> LogStream
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pipeline.sources.journal import (
    InputNote,
    InputProblem,
    Journal,
    Progress,
    ReadLimits,
    SkippedInput,
    SkipReason,
    cannot_read,
)
from pipeline.sources.layers import Reading
from pipeline.sources.log_streams import InputStream
from pipeline.sources.opening import open_group
from pipeline.sources.parts import Part, PartGroup
from pipeline.sources.paths import PathExpander
from pipeline.sources.rotation import group_rotated
from pipeline.sources.workspace import Workspace


class InputFiles:
    """The logs behind some path arguments.

    Args:
        paths: files, directories, globs, URLs, `-`, as the user gave them.
        limits: how much is read of whatever is given.
        cluster: the cluster that all of them come from, if the user said so.
        stdin: what `-` reads; the process's standard input by default.
    """

    def __init__(
        self,
        paths: Sequence[str],
        limits: ReadLimits | None = None,
        cluster: str = "",
        *,
        stdin: BinaryIO | None = None,
    ) -> None:
        self._paths = paths
        self._limits = limits or ReadLimits()
        self._cluster = cluster
        self._stdin = stdin
        self._journal = Journal()

    @property
    def problems(self) -> list[InputProblem]:
        """What could not be read, so far."""
        return self._journal.problems

    @property
    def skipped(self) -> list[SkippedInput]:
        """What was left out on purpose, so far."""
        return self._journal.skipped

    @property
    def notes(self) -> list[InputNote]:
        """What was read but is odd, so far."""
        return self._journal.notes

    @property
    def progress(self) -> Progress:
        """How many bytes of the stored files were read, and how many there are."""
        return self._journal.progress

    def streams(self) -> Iterator[InputStream]:
        """Find and open the logs and the files of objects, one after the other.

        Each is to be read before the next is asked for. Nothing is raised for what cannot be read: see `problems`,
        complete when the last stream was read.
        """
        with Workspace() as workspace:
            reading = Reading(self._limits, self._journal, workspace, self._cluster)
            settled: set[str] = set()  # arguments that gave a log or a reason why not
            for group in self._find_groups(settled):
                problem_count = len(self._journal.problems)
                for stream in open_group(group, reading):
                    settled.update(group.arguments)
                    yield stream
                if len(self._journal.problems) > problem_count:
                    settled.update(group.arguments)
                self._journal.progress.finish(group.size_bytes)
            self._report_fruitless(settled)

    def _find_groups(self, settled: set[str]) -> list[PartGroup]:
        """Expand all arguments before anything is read, so that the progress has a total."""
        expander = PathExpander(self._journal, self._stdin or sys.stdin.buffer)
        parts: list[Part] = []
        arguments: list[str] = []
        for argument in self._paths:
            known = len(self._journal.problems), expander.repeated_count
            found = expander.expand(argument)
            parts += found
            arguments += [argument] * len(found)
            if known != (len(self._journal.problems), expander.repeated_count):
                settled.add(argument)
        for part in parts:
            self._journal.progress.expect(part.size_bytes)
        return group_parts(parts, arguments, self._journal)

    def _report_fruitless(self, settled: set[str]) -> None:
        """Say where a directory, a glob or an archive held no log at all: the user expects one there."""
        explained = {skipped.path for skipped in self._journal.skipped if skipped.is_explicit}
        for argument in self._paths:
            if argument not in settled and argument not in explained:
                why = f"there is no log in it ({len(self._journal.skipped)} files were skipped in all)"
                self._journal.report(cannot_read(argument, why, "check the path"))


def group_parts(parts: Sequence[Part], arguments: Sequence[str], journal: Journal) -> list[PartGroup]:
    """Bring the parts of rotated logs together."""
    groups: list[PartGroup] = []
    for rotated in group_rotated([part.source for part in parts]):
        for position in rotated.copies:
            journal.skip(parts[position].source, SkipReason.SAME_PART, is_explicit=parts[position].is_explicit)
        members = tuple(parts[position] for position in rotated.parts)
        given = tuple(arguments[position] for position in (*rotated.parts, *rotated.copies))
        groups.append(PartGroup(rotated.name, members, given))
    return groups
