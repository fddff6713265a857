"""A hostile line does no harm to what the other lines tell."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.engine.engine import Engine
from pipeline.engine.incidents import Incident
from pipeline.engine.settings import EngineSettings
from tests.pipeline.engine.builders import rules
from tests.property.raw_logs import CAUSE, error, events_of, noise, passes, retry, stamp, story, text_line

PLAIN = [passes(0, "web"), passes(2, "web"), noise(4), *story(range(10, 200, 10)), noise(200)]

FORGED = (
    r"rollout syncHandler error: admission webhook \"guard.dev\" denied the request: no\n"
    r"time=\"2026-03-01T12:00:00Z\" level=info msg=\"rollout syncHandler queue retries: 9000 : key \\\"bank/core\\\"\""
)
HOSTILE: dict[str, list[bytes]] = {
    "dated 9999": [text_line(20, "x").replace(b"2026", b"9999"), error(20, "api").replace(b"2026", b"9999")],
    "dated 1": [error(20, "api").replace(b"2026", b"0001")],
    "dated 1970": [error(20, "api").replace(b"2026", b"1970")],
    "count of 5,000 digits": [retry(25, "web", 1).replace(b"retries: 1 ", b"retries: " + b"9" * 5_000 + b" ")],
    "lone surrogate": [
        f'{{"level":"error","msg":"rollout syncHandler error: \\ud800 {CAUSE}","time":"{stamp(25)}"}}'.encode()
    ],
    "100,000 brackets": [b'{"msg":' + b"[" * 100_000, b"[" * 100_000 + b" syncHandler error " + b"]" * 100_000],
    "100,000 braces": [b'{"a":' * 100_000 + b'"syncHandler error"' + b"}" * 100_000],
    "text of a denial forges lines": [text_line(25, FORGED, " namespace=shop rollout=api", "error")],
    "seconds since start beyond all time": [
        b"ERRO[99999999999999999999] rollout syncHandler error: x  namespace=shop rollout=api"
    ],
    "terminal escapes": [error(25, "api\x1b]0;owned\x07\x1b[2J")],
    "a key with a slash too many": [retry(25, "a/b/c", 7)],
    "names as long as can be": [retry(25, "a" * 600, 500), error(25, "b" * 600)],
    "no text": [b"\xff\xfe" * 5_000 + b"syncHandler error" + b"\x00" * 5_000],
    "a megabyte in one line": [b"x" * 1_000_000 + b" syncHandler error: " + b"y" * 1_000_000],
    "parts without an end": [f"{stamp(25)[:-1]}.0Z stderr P syncHandler error: part {n}".encode() for n in range(150)],
    "quotes that do not end": [text_line(25, "rollout syncHandler error: \\")],
}


def _incidents(lines: Sequence[bytes]) -> list[Incident]:
    engine = Engine(EngineSettings(), rules())
    for event in sorted(events_of([b"\n".join(lines)]), key=lambda event: event.at):
        engine.feed(event)
    engine.finish()
    return engine.incidents()


def _of_web(found: Sequence[Incident]) -> list[tuple[object, ...]]:
    return [
        (incident.id, incident.opened_at, incident.status, incident.cause, victim.retries, victim.failures)
        for incident in found
        for victim in incident.victims
        if victim.name == "web"
    ]


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", [0, 20, len(PLAIN)], ids=["first", "middle", "last"])
def test_hostile_line_changes_no_incident_of_the_others(hostile: list[bytes], place: int) -> None:
    """Nor does it make one of its own; what is printed stays printable."""
    found = _incidents([*PLAIN[:place], *hostile, *PLAIN[place:]])
    assert _of_web(_incidents(PLAIN)) == _of_web(found)
    assert ["web"] == [victim.name for incident in found for victim in incident.victims]
    assert "\x1b" not in msgspec.json.encode(found).decode()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(st.binary(max_size=300), st.sampled_from([line for lines in HOSTILE.values() for line in lines])),
        max_size=6,
    )
)
def test_any_bytes_are_read(lines: list[bytes]) -> None:
    """Without an error, and the key that runs away is found."""
    found = _incidents([*PLAIN, *lines])
    assert any(victim.name == "web" for incident in found for victim in incident.victims)
