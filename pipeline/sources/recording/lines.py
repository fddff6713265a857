"""Log lines as they are recorded: text, without the secrets that parsers/redaction.py takes out of evidence.

Lines stay lines, as a replay has to find the same ones: each is redacted by itself, and of a private key that goes over
several lines the material in each is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

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
MAX_HEADER_LINES = 5
"""Between the beginning of a key and its material: Proc-Type, DEK-Info, an empty line."""


class _OpenKey(msgspec.Struct, frozen=True):
    """A private key that has begun and not ended."""

    line_count: int = 0
    has_material: bool = False


class LineRedactor:
    """Takes secrets out of the lines of blocks. It remembers keys that go on in an origin's next block."""

    def __init__(self) -> None:
        hints = {hint.encode() for secret in SECRETS for hint in secret.hints}
        self._scanner = make_scanner(sorted(hints))
        self._open_keys: dict[Origin, _OpenKey] = {}

    def lines_of(self, block: Block) -> list[str]:
        """The lines of a block. Bytes that are no text become U+FFFD, as they do in evidence."""
        lines = block.data.decode("utf-8", "replace").split("\n")
        if not lines[-1]:
            lines.pop()
        suspects = list(self._suspects(block.data))
        key = self._open_keys.pop(block.origin, None)
        if key is not None or any(_KEY_BEGINS.search(lines[index]) for index in suspects):
            key = _without_key_material(lines, key)
            if key is not None and len(self._open_keys) < MAX_OPEN_KEYS:
                self._open_keys[block.origin] = key
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


def _without_key_material(lines: list[str], key: _OpenKey | None) -> _OpenKey | None:
    """Take the material of private keys out; the key that is open behind the last line, None where none is."""
    for index, line in enumerate(lines):
        if _KEY_BEGINS.search(line):
            key = _OpenKey()
        elif key is not None:
            lines[index], key = _without_material(line, key)
    return key


def _without_material(line: str, key: _OpenKey) -> tuple[str, _OpenKey | None]:
    """A line of an open key without its material, and the key, unless it ends here."""
    if _KEY_ENDS.search(line):
        return line, None
    pattern = _MATERIAL if not key.has_material or _MATERIAL.search(line) else _LAST_MATERIAL
    shown, count = pattern.subn(MARK, line)
    goes_on = count or (not key.has_material and key.line_count < MAX_HEADER_LINES)
    if not goes_on or key.line_count >= MAX_KEY_LINES:
        return shown, None
    return shown, _OpenKey(key.line_count + 1, key.has_material or count > 0)


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
