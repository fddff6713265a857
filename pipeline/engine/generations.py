"""Edits of an object's spec, as the log shows them: each raises its generation, which every pass prints.

The first pass with a new generation is always read, also of a healthy key, so it tells when the edit was noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

import msgspec

MOST_BEFORE = 4
"""Kept of a healthy key: the newest ones."""
MOST = 12
"""Kept in all: an autoscaler raises the generation of what it scales for as long as the trouble lasts."""


class GenerationSeen(msgspec.Struct, frozen=True, order=True):
    """A generation, and the end of the first pass that read it."""

    generation: int
    at: datetime


def note_generation(known: list[GenerationSeen], seen: GenerationSeen, *, is_failing: bool) -> None:
    """Remember a generation that is new; those around the onset stay while the key fails."""
    if known and seen.generation <= known[-1].generation:
        return  # an informer that is behind, or the same once more
    if not is_failing:
        del known[: -(MOST_BEFORE - 1)]
    if len(known) < MOST:
        known.append(seen)


def rises(histories: Iterable[Iterable[GenerationSeen]]) -> Iterator[tuple[GenerationSeen, GenerationSeen]]:
    """Each generation and the one before it, over all origins that read the object."""
    first: dict[int, datetime] = {}
    for history in histories:
        for seen in history:
            first[seen.generation] = min(seen.at, first.get(seen.generation, seen.at))
    ordered = [GenerationSeen(generation, at) for generation, at in sorted(first.items())]
    yield from pairwise(ordered)
