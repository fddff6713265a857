"""Parts of long lines are known by their wrapper and joined into one line of it."""

from __future__ import annotations

import pytest

from parsers.partial_lines import Partial, join_parts, partial_of

CRI_PART = b'2026-03-01T10:00:00.1Z stderr P time="2026-03-01T10:00:00Z" level=info msg="ab'
CRI_LAST = b'2026-03-01T10:00:00.2Z stderr F cd" namespace=shop'
DOCKER_PART = b'{"log":"' + b"a" * 16_384 + b'","stream":"stderr","time":"2026-03-01T10:00:00.1Z"}'
DOCKER_LONG = b'{"log":"' + b"a" * 16_384 + b'\\n","stream":"stderr","time":"2026-03-01T10:00:00.1Z"}'
DOCKER_LAST = b'{"log":"b\\n","stream":"stderr","time":"2026-03-01T10:00:00.2Z"}'
FLUENT_PART = b'{"logtag":"P","log":"ab","kubernetes":{"pod_name":"x"}}'
FLUENT_LAST = b'{"logtag":"F","log":"cd","kubernetes":{"pod_name":"x"}}'

CASES = [
    pytest.param(CRI_PART, Partial.PARTIAL, id="cri-part"),
    pytest.param(CRI_LAST, Partial.LAST_OR_WHOLE, id="cri-last"),
    pytest.param(DOCKER_PART, Partial.PARTIAL, id="docker-part"),
    pytest.param(DOCKER_LONG, Partial.LAST_OR_WHOLE, id="docker-long-but-whole"),
    pytest.param(
        b'{"log":"no feed","stream":"stderr","time":"2026-03-01T10:00:00Z"}', Partial.WHOLE, id="short-without-feed"
    ),
    pytest.param(FLUENT_PART, Partial.PARTIAL, id="fluent-bit-part"),
    pytest.param(FLUENT_LAST, Partial.LAST_OR_WHOLE, id="fluent-bit-last"),
    pytest.param(
        b'{"log":"a","partial_message":"true","partial_last":"false"}', Partial.PARTIAL, id="docker-driver-part"
    ),
    pytest.param(
        b'{"log":"a","partial_message":"true","partial_last":"true"}', Partial.LAST_OR_WHOLE, id="docker-driver-last"
    ),
    pytest.param(b'{"log":"\\"logtag\\":\\"P\\""}', Partial.WHOLE, id="words-inside-the-text"),
    pytest.param(b'time="2026-03-01T10:00:00Z" level=info', Partial.WHOLE, id="plain"),
    pytest.param(b"", Partial.WHOLE, id="empty"),
]


@pytest.mark.parametrize(("raw", "expected"), CASES)
def test_wrapper_says_whether_a_line_is_a_part(raw: bytes, expected: Partial) -> None:
    """Only what the wrapper says makes a line a part."""
    assert expected is partial_of(raw)


JOINED = [
    pytest.param(
        [CRI_PART, CRI_LAST],
        b'2026-03-01T10:00:00.1Z stderr F time="2026-03-01T10:00:00Z" level=info msg="abcd" namespace=shop',
        id="cri",
    ),
    pytest.param([DOCKER_PART, DOCKER_LAST], DOCKER_PART.replace(b'a","', b'ab\\n","'), id="docker"),
    pytest.param(
        [FLUENT_PART, FLUENT_LAST], b'{"logtag":"F","log":"abcd","kubernetes":{"pod_name":"x"}}', id="fluent-bit"
    ),
    pytest.param([b"one"], b"one", id="single"),
    pytest.param([b"{one", b"two"], b"{one\ntwo", id="unknown-wrapper-loses-nothing"),
]


@pytest.mark.parametrize(("parts", "expected"), JOINED)
def test_parts_become_one_line(parts: list[bytes], expected: bytes) -> None:
    """The joined line has the first part's wrapper, and is whole."""
    assert expected == join_parts(parts)
    assert partial_of(expected) is not Partial.PARTIAL
