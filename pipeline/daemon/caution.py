"""A batch that fails twice is halved until the record is found: it is set aside, and the stream goes on."""

from __future__ import annotations

import hashlib

import msgspec

from parsers.line_marks import LineMark, line_from
from parsers.records import Block
from parsers.redaction import redact
from parsers.text import clean_text
from pipeline.sources.live import Fetched
from pipeline.store.records import Quarantined, QuarantineReason

SAMPLE_CHARS = 2_000


def lines_of(fetched: Fetched) -> list[int]:
    """The numbers of the records in what was read, each once, in their order."""
    numbers = {number for block in fetched.blocks for number in block.line_numbers or ()}
    return sorted(numbers | {event.line for event in fetched.objects})


def halves_of(fetched: Fetched) -> tuple[Fetched, Fetched]:
    """The same in two reads, cut between two records. What goes with it goes with the first half."""
    numbers = lines_of(fetched)
    middle = numbers[len(numbers) // 2]
    first = tuple(part for block in fetched.blocks if (part := _part(block, None, middle)) is not None)
    second = tuple(part for block in fetched.blocks if (part := _part(block, middle, None)) is not None)
    before = tuple(event for event in fetched.objects if event.line < middle)
    behind = tuple(event for event in fetched.objects if event.line >= middle)
    return (
        msgspec.structs.replace(fetched, blocks=first, objects=before, next_line=middle),
        msgspec.structs.replace(fetched, blocks=second, objects=behind, quarantined=(), gaps=()),
    )


def set_aside(source: str, fetched: Fetched, error: Exception) -> Quarantined:
    """The quarantine's record of a read that holds one record only."""
    number = lines_of(fetched)[0]
    data = b"\n".join([*(block.data for block in fetched.blocks), *map(msgspec.json.encode, fetched.objects)])
    at = next((block.received_at for block in fetched.blocks), None)
    text, _ = clean_text(data)
    return Quarantined(
        source=source,
        stream=fetched.stream,
        first=number,
        last=number,
        reason=QuarantineReason.FAILED,
        detail=f"whystuck failed on it: {type(error).__name__}",
        at=at,
        size_bytes=len(data),
        sample=redact(text)[:SAMPLE_CHARS],
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _part(block: Block, first: int | None, end: int | None) -> Block | None:
    """The lines of a block from one number to before another."""
    numbers = block.line_numbers or ()
    kept = [number for number in numbers if (first is None or number >= first) and (end is None or number < end)]
    if not kept:
        return None
    start = line_from(LineMark(first), block) if first is not None else 0
    stop = line_from(LineMark(end), block) if end is not None else len(block.data)
    return msgspec.structs.replace(block, data=block.data[start:stop], line_numbers=kept)
