"""Places in a stream, by which it is read again from where it was left.

Lines are known by their numbers and not counted: what retention has deleted meanwhile does not come again.
"""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from parsers.records import Block


class LineMark(msgspec.Struct, frozen=True, order=True):
    """A physical line of a stream: its number, and which of the lines with this number it is, from 0.

    Lines of one Kafka record share a number, the record's offset.
    """

    number: int
    part: int = 0


class AssemblerMarks(msgspec.Struct, frozen=True):
    """How far a stream was read, so that reading it again from `context` delivers what was not delivered yet."""

    context: LineMark  # the first line that has to be read again
    undecided: LineMark  # before it no line begins a record any more
    delivered: LineMark | None  # the last line that was delivered; None: it lies before the context


def behind(mark: LineMark) -> LineMark:
    """The next line, whether or not it shares the number."""
    return LineMark(mark.number, mark.part + 1)


def line_from(mark: LineMark, block: Block) -> int:
    """Where in a block the first line begins that does not lie before a mark; its end where there is none."""
    numbers = block.line_numbers
    if numbers is None:
        numbers = range(block.first_line, block.first_line + block.data.count(b"\n") + 1)
    index = bisect_left(numbers, mark.number)
    for _ in range(mark.part):
        index += index < len(numbers) and numbers[index] == mark.number
    offset = 0
    for _ in range(index):
        end = block.data.find(b"\n", offset)
        if end < 0:
            return len(block.data)
        offset = end + 1
    return offset
