"""What is read does not depend on where a log was cut, nor on the engine that searches it."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers.prefilter import FindScanner, HyperscanScanner, has_hyperscan
from parsers.rules.loader import load_rules
from tests.property.raw_logs import cri, error, events_of, folded, noise, panic, passes, retry, scanner, story

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
DEEP = settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))


def _pieces(randomness: random.Random, second: int) -> list[bytes]:
    name = randomness.choice(["web", "api"])
    kinds = {
        "attempt": story([second], name),
        "pass": [passes(second, name)],
        "noise": [noise(second)] * randomness.choice([1, 5, 120]),
        "folded": folded(second, name),
        "panic": [*panic(second), error(second, "web")],
        "parts": cri(error(second, name), second, size=randomness.choice([30, 80, 200])),
        "retry in parts": cri(retry(second, name, second), second, size=25),
        "long": [error(second, name) + b" " + b"x" * 40_000],
        "no text": [b"\xff\xfe\x00" * 20],
        "empty": [b""],
    }
    return kinds[randomness.choice(list(kinds))]


def _log(randomness: random.Random, length: int) -> bytes:
    lines = [line for second in range(length) for line in _pieces(randomness, second)]
    end = randomness.choice([b"\n", b"\r\n"])
    return end.join(lines) + randomness.choice([b"", end])


@st.composite
def cut_logs(draw: st.DrawFn) -> tuple[bytes, list[bytes], int]:
    """A log, the same in chunks cut anywhere, and the size of the blocks that are made of them."""
    randomness = draw(st.randoms(use_true_random=False))
    log = _log(randomness, draw(st.integers(1, 60)))
    places = sorted({randomness.randrange(len(log) + 1) for _ in range(draw(st.integers(0, 30)))})
    chunks = [log[start:stop] for start, stop in zip([0, *places], [*places, len(log)], strict=True)]
    return log, chunks, draw(st.sampled_from([1, 200, 5_000, 100_000]))


@QUICK
@given(cut_logs())
def test_log_may_be_cut_anywhere(case: tuple[bytes, list[bytes], int]) -> None:
    """Folded lines, parts of a container runtime, stack traces and CRLF included."""
    log, chunks, block_bytes = case
    assert events_of([log]) == events_of(chunks, block_bytes=block_bytes)


@pytest.mark.long
@DEEP
@given(cut_logs())
def test_log_may_be_cut_anywhere_in_depth(case: tuple[bytes, list[bytes], int]) -> None:
    """The same, with many more logs."""
    log, chunks, block_bytes = case
    assert events_of([log]) == events_of(chunks, block_bytes=block_bytes)


needs_hyperscan = pytest.mark.skipif(not has_hyperscan(), reason="hyperscan is not installed here")
LITERALS = load_rules().literals


@needs_hyperscan
@QUICK
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_both_prefilters_read_the_same_events(randomness: random.Random, length: int) -> None:
    """The fast one is no other."""
    log = _log(randomness, length)
    assert events_of([log], with_scanner=scanner(use_hyperscan=False)) == events_of(
        [log], with_scanner=scanner(use_hyperscan=True)
    )


literals = st.lists(st.sampled_from([literal for literal in LITERALS if literal]), min_size=1, max_size=8, unique=True)
bits = st.one_of(
    st.sampled_from(LITERALS),
    st.binary(max_size=6),
    st.just(b"\n"),
    st.sampled_from(LITERALS).map(lambda one: one[:-1]),
)


@needs_hyperscan
@QUICK
@given(literals, st.lists(bits, max_size=60).map(b"".join))
def test_both_prefilters_find_the_same_lines(chosen: list[bytes], log: bytes) -> None:
    """Whatever bytes stand around the literals, and whether one holds another or not."""

    def lines(ends: list[int]) -> set[int]:
        return {log.count(b"\n", 0, end - 1) for end in ends}

    expected = {number for number, line in enumerate(log.split(b"\n")) if any(one in line for one in chosen)}
    assert expected == lines(FindScanner(chosen).find_ends(log))
    assert expected == lines(HyperscanScanner(chosen).find_ends(log))
