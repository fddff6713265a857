"""Finds the files that log rotation made of one log, and their order."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

import msgspec

_COMPRESSION_SUFFIX = re.compile(r"\.(?:gz|bz2|xz|zst|lz4)\Z")

_DATE = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DASHED_DATE = r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"

_NUMBERED = re.compile(r"(?P<base>.+)\.(?P<number>\d{1,4})\Z")
"""logrotate, Docker's json-file: controller.log.2 is older than controller.log.1."""

_DATED = re.compile(rf"(?P<base>.+)[.-](?P<time>{_DATE}(?:-?\d{{2}}(?:\d{{2}}){{0,2}})?|1\d{{9}})\Z")
"""logrotate's dateext and the kubelet: controller.log-20260101, 0.log.20260101-101010."""

_DATED_INSIDE = re.compile(
    rf"(?P<stem>.+)-(?P<time>{_DASHED_DATE}(?:T\d\d-\d\d-\d\d(?:\.\d+)?)?)(?P<extension>\.(?:log|json|txt))\Z"
)
"""lumberjack: controller-2026-01-01T10-10-10.000.log beside controller.log."""

_LOG_NAME = re.compile(r"\.(?:log|out|err|txt|json|jsonl)\Z")


class RotatedSet(msgspec.Struct, frozen=True):
    """One log: the plain name, its parts from the oldest to the newest, and parts that are copies of others."""

    name: str
    parts: tuple[int, ...]  # positions in the list of names that was asked about
    copies: tuple[int, ...] = ()


class _Part(msgspec.Struct, frozen=True):
    base: str
    order: tuple[int, int, str]  # dated parts are older than numbered ones, the plain file is the newest
    needs_base: bool  # the form alone is ambiguous: it counts only beside the plain file
    is_compressed: bool
    position: int


def group_rotated(names: Sequence[str]) -> list[RotatedSet]:
    """Group paths that differ by a rotation suffix only; every other path is a set of its own.

    Sets stand where their first part stood. `controller-1.log` is no part of `controller.log`: replicas are named so.
    """
    plain = {_COMPRESSION_SUFFIX.sub("", name) for name in names}
    groups: dict[str, list[_Part]] = {}
    for position, name in enumerate(names):
        part = _parse(name, position)
        if part.needs_base and part.base not in plain:
            part = _plain_part(name, position)
        groups.setdefault(part.base, []).append(part)
    return [_make_set(parts, names) for parts in groups.values()]


def _parse(name: str, position: int) -> _Part:
    folder, leaf = posixpath.split(name)
    bare = _COMPRESSION_SUFFIX.sub("", leaf)
    is_compressed = bare != leaf

    def part(base: str, order: tuple[int, int, str], *, needs_base: bool) -> _Part:
        return _Part(posixpath.join(folder, base), order, needs_base, is_compressed, position)

    if match := _DATED.match(bare):
        return part(match["base"], (0, 0, match["time"]), needs_base=not _LOG_NAME.search(match["base"]))
    if match := _NUMBERED.match(bare):
        return part(match["base"], (1, -int(match["number"]), ""), needs_base=not _LOG_NAME.search(match["base"]))
    if match := _DATED_INSIDE.match(bare):
        return part(match["stem"] + match["extension"], (0, 0, match["time"]), needs_base=True)
    return _plain_part(name, position)


def _plain_part(name: str, position: int) -> _Part:
    bare = _COMPRESSION_SUFFIX.sub("", name)
    return _Part(bare, (2, 0, ""), needs_base=False, is_compressed=bare != name, position=position)


def _make_set(parts: list[_Part], names: Sequence[str]) -> RotatedSet:
    ordered = sorted(parts, key=lambda part: (part.order, part.is_compressed))
    if len(ordered) == 1:
        return RotatedSet(names[ordered[0].position], (ordered[0].position,))
    taken: dict[tuple[int, int, str], _Part] = {}
    copies: list[int] = []
    for part in ordered:
        if part.order in taken:
            copies.append(part.position)  # a rotation caught between compressing and deleting
        else:
            taken[part.order] = part
    kept = tuple(part.position for part in taken.values())
    return RotatedSet(ordered[0].base if len(kept) > 1 else names[kept[0]], kept, tuple(copies))
