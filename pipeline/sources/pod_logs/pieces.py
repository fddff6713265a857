"""Lines of a container as the daemon takes them; a line that is too long is set aside as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from parsers.records import Block, Origin
from parsers.redaction import redact
from parsers.text import clean_text
from pipeline.sources.live import Fetched
from pipeline.sources.pod_logs.log_lines import MAX_LINE_BYTES, is_cut
from pipeline.sources.pod_logs.pods import ContainerId, moment_of
from pipeline.store.records import Quarantined, QuarantineReason

SAMPLE_CHARS = 400

Numbered = tuple[int, bytes]
"""A line with its number."""


def pieces_of(source: str, container: ContainerId, lines: Sequence[Numbered], at: datetime) -> Iterator[Fetched]:
    """These lines in their order.

    Args:
        source: as in the configuration.
        container: whose lines they are.
        lines: each with its time in front.
        at: the time of reading.
    """
    for is_too_long, some in groupby(lines, key=lambda numbered: is_cut(numbered[1])):
        if is_too_long:
            yield from (_set_aside(source, container, number, line) for number, line in some)
        else:
            yield _block(container, list(some), at)


def _block(container: ContainerId, lines: Sequence[Numbered], at: datetime) -> Fetched:
    origin = Origin(container.stream, container.cluster, container.namespace, container.pod, container.container)
    data = b"\n".join(line for _, line in lines) + b"\n"
    numbers = tuple(number for number, _ in lines)
    block = Block(data, origin, numbers[0], numbers, at)
    written_at = _time_of(lines[-1][1])
    return Fetched(container.stream, (block,), numbers[-1] + 1, written_at.timestamp() if written_at else None)


def _set_aside(source: str, container: ContainerId, number: int, line: bytes) -> Fetched:
    text, _ = clean_text(line[: 4 * SAMPLE_CHARS])
    record = Quarantined(
        source,
        container.stream,
        number,
        number,
        QuarantineReason.TOO_LARGE,
        f"the line has {MAX_LINE_BYTES} bytes or more",
        at=_time_of(line),
        size_bytes=len(line),
        sample=redact(text)[:SAMPLE_CHARS],
        sha256=hashlib.sha256(line).hexdigest(),
    )
    return Fetched(container.stream, (), number + 1, quarantined=(record,))


def _time_of(line: bytes) -> datetime | None:
    """As the runtime wrote it."""
    return moment_of(line[:40].partition(b" ")[0].decode("ascii", "replace"))
