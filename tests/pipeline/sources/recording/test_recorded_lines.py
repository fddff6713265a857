"""Lines are recorded without secrets, and mean the same afterwards."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from parsers.events import Event
from parsers.failures import FailureFinder
from parsers.records import Block, Origin
from parsers.redaction import MARK
from pipeline.extract import StreamExtractor, scanner_for
from pipeline.sources.recording.lines import LineRedactor, block_of, record_block
from tests.scenarios.scenarios import SCENARIOS, built_in_rules, load, names

ORIGIN = Origin("topic/0", "prod", "argo-rollouts", "argo-rollouts-0", "argo-rollouts")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINES = {
    "one after the other": Block(b"a\nb\nc\n", ORIGIN, 7, range(7, 10), AT),
    "numbers as a tuple": Block(b"a\nb\nc\n", ORIGIN, 7, (7, 8, 9), AT),
    "with a hole": Block(b"a\nb\nc\n", ORIGIN, 7, (7, 9, 10), AT),
    "two of one record": Block(b"a\nb\nc\n", ORIGIN, 7, (7, 7, 9), AT),
    "empty lines": Block(b"\n\n\n", ORIGIN, 1, (1, 2, 3)),
    "odd characters": Block('\x00 \x1b[1m \u2028 \u00e4 \U0001f600 \\ " \r\n'.encode(), ORIGIN, 1, (1,)),
}


@pytest.mark.parametrize("block", LINES.values(), ids=LINES)
def test_block_comes_back(block: Block) -> None:
    """Text, numbers, origin and arrival."""
    found = block_of(record_block(block, LineRedactor()))
    assert (block.data, list(block.line_numbers or ())) == (found.data, list(found.line_numbers or ()))
    assert (block.origin, block.received_at) == (found.origin, found.received_at)


def test_bytes_that_are_no_text() -> None:
    """They become what they become in evidence."""
    assert "a\ufffdb\n".encode() == block_of(record_block(Block(b"a\xffb\n", ORIGIN, 1, (1,)), LineRedactor())).data


SECRETS = {
    "a token": (b"token=abcdefgh1234 ok", f"token={MARK} ok"),
    "a header": (b'"Authorization": "Bearer abcdefgh1234"', f'"Authorization": "{MARK}"'),
    "a password in an address": (b"https://me:secret99@host/x", f"https://{MARK}@host/x"),
}


@pytest.mark.parametrize(("line", "expected"), SECRETS.values(), ids=SECRETS)
def test_secret_is_taken_out_of_its_line(line: bytes, expected: str) -> None:
    """Of that line only."""
    block = Block(b"before\n" + line + b"\nbehind\n", ORIGIN, 1, (1, 2, 3))
    assert ["before", expected, "behind"] == LineRedactor().lines_of(block)


def _key_lines() -> list[bytes]:
    body = base64.b64encode(os.urandom(1200))
    lines = [body[start : start + 64] for start in range(0, len(body) - 20, 64)] + [body[:20]]
    return [
        b"-----BEGIN RSA PRIVATE KEY-----",
        b"Proc-Type: 4,ENCRYPTED",
        b"",
        *lines,
        b"-----END RSA PRIVATE KEY-----",
    ]


@pytest.mark.parametrize("prefix", [b"", b"2026-03-01T12:00:00Z "], ids=["bare", "with times"])
@pytest.mark.parametrize("at_once", [1, 3, 1000], ids=["a line a block", "three", "one block"])
def test_private_key_over_several_lines(prefix: bytes, at_once: int) -> None:
    """Nothing of its material stays, and no line of the log is lost, however it was cut into blocks."""
    key = _key_lines()
    log = [b"before", *key, b"level=info msg=behind", b"YWZ0ZXIgdGhlIGtleSBpdCBpcyBubyBzZWNyZXQgYW55IG1vcmUK"]
    lines = [prefix + line for line in log]
    redactor, found = LineRedactor(), list[str]()
    for start in range(0, len(lines), at_once):
        part = lines[start : start + at_once]
        found += redactor.lines_of(Block(b"\n".join(part) + b"\n", ORIGIN, start, range(start, start + len(part))))
    assert len(lines) == len(found)
    text = "\n".join(found)
    assert not [line for line in key[3:-1] if line.decode() in text]
    assert [lines[0].decode(), *(line.decode() for line in lines[-2:])] == [found[0], *found[-2:]]


def test_text_that_only_names_a_key_hides_nothing() -> None:
    """A message that quotes the beginning of a key does not swallow the lines behind it."""
    lines = [b'msg="no PEM: -----BEGIN PRIVATE KEY-----"', *(b"level=info msg=%d" % number for number in range(50))]
    found = LineRedactor().lines_of(Block(b"\n".join(lines) + b"\n", ORIGIN, 1, range(1, 52)))
    assert [line.decode() for line in lines[1:]] == found[1:]


def _events(data: bytes) -> list[Event]:
    extractor = StreamExtractor(
        scanner_for(built_in_rules()), FailureFinder(built_in_rules()), read_at=datetime(2026, 11, 1, tzinfo=UTC)
    )
    return list(extractor.events([Block(data, ORIGIN)]))


LOGS = sorted({SCENARIOS / name / log for name in names() for log in load(name).logs if log.endswith(".log")})
SAMPLES = sorted((SCENARIOS.parent / "lines").glob("*"))


@pytest.mark.parametrize("path", [*LOGS, *SAMPLES], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_recorded_lines_classify_alike(path: Path) -> None:
    """Every log and every sample line gives the same events when it is read from a recording."""
    data = path.read_bytes()
    block = Block(data, ORIGIN)
    assert _events(data) == _events(block_of(record_block(block, LineRedactor())).data)
