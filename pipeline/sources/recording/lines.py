"""Log lines as they are recorded: text, without the secrets that parsers/redaction.py takes out of evidence.

Lines stay lines, as a replay has to find the same ones: each is redacted by itself, and of a private key that goes over
several lines the material in each is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from parsers.prefilter import make_scanner
from parsers.records import Block, Origin
from parsers.redaction import MARK, SECRETS, redact
from pipeline.sources.recording.records import RecordedBlock

MAX_KEY_LINES = 400
"""A private key of 16,384 bits has some 200 lines."""
MAX_OPEN_KEYS = 1_000
"""Origins in whose newest block a key began and did not end."""

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?!.*-----END )")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,30}PRIVATE KEY-----")
_MATERIAL = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_LAST_MATERIAL = re.compile(r"(?:^|(?<=\s))[A-Za-z0-9+/]+={0,2}(?=\s*$)")
"""The last line of a key is shorter than the others."""
_KEY_HEADER = re.compile(r"(?:Proc-Type|DEK-Info):|^\s*$")


class LineRedactor:
    """Takes secrets out of the lines of blocks. It remembers keys that go on in an origin's next block."""

    def __init__(self) -> None:
        hints = {hint.encode() for secret in SECRETS for hint in secret.hints}
        self._scanner = make_scanner(sorted(hints))
        self._open_keys: dict[Origin, int] = {}  # lines since a private key began

    def lines_of(self, block: Block) -> list[str]:
        """The lines of a block. Bytes that are no text become U+FFFD, as they do in evidence."""
        lines = block.data.decode("utf-8", "replace").split("\n")
        if not lines[-1]:
            lines.pop()
        suspects = list(self._suspects(block.data))
        open_for = self._open_keys.pop(block.origin, None)
        if open_for is not None or any(_KEY_BEGINS.search(lines[index]) for index in suspects):
            open_for = _without_key_material(lines, open_for)
            if open_for is not None and len(self._open_keys) < MAX_OPEN_KEYS:
                self._open_keys[block.origin] = open_for
        for index in suspects:
            lines[index] = redact(lines[index])
        return lines

    def _suspects(self, data: bytes) -> Iterator[int]:
        """The indices of lines that may hold a secret."""
        number, counted_to, newest = 0, 0, -1
        for end in self._scanner.find_ends(data):
            number += data.count(b"\n", counted_to, end)
            counted_to = end
            if number != newest:
                newest = number
                yield number


def _without_key_material(lines: list[str], open_for: int | None) -> int | None:
    """Take the lines of private keys out; for how many lines the last one has been open, None where it has ended."""
    for index, line in enumerate(lines):
        if _KEY_BEGINS.search(line):
            open_for = 0
            continue
        if open_for is None:
            continue
        pattern = _MATERIAL if _MATERIAL.search(line) else _LAST_MATERIAL
        is_material = pattern.search(line) is not None
        lines[index] = pattern.sub(MARK, line)
        goes_on = is_material or _KEY_HEADER.search(line) is not None
        is_over = _KEY_ENDS.search(line) is not None or not goes_on or open_for >= MAX_KEY_LINES
        open_for = None if is_over else open_for + 1
    return open_for


def record_block(block: Block, redactor: LineRedactor) -> RecordedBlock:
    """A block as it is recorded."""
    numbers = block.line_numbers
    lines = redactor.lines_of(block)
    first = numbers[0] if numbers else block.first_line
    is_plain = numbers is None or _follow_each_other(numbers)
    return RecordedBlock(
        origin=block.origin,
        lines=tuple(lines),
        first_line=first,
        line_numbers=None if is_plain or numbers is None else tuple(numbers),
        received_at=block.received_at,
    )


def block_of(recorded: RecordedBlock) -> Block:
    """The block again."""
    numbers = recorded.line_numbers
    return Block(
        data="".join(f"{line}\n" for line in recorded.lines).encode(),
        origin=recorded.origin,
        first_line=recorded.first_line,
        line_numbers=range(recorded.first_line, recorded.first_line + len(recorded.lines))
        if numbers is None
        else numbers,
        received_at=recorded.received_at,
    )


def _follow_each_other(numbers: Sequence[int]) -> bool:
    expected = range(numbers[0], numbers[0] + len(numbers))
    return numbers == expected if isinstance(numbers, range) else tuple(numbers) == tuple(expected)
