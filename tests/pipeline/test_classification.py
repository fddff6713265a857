"""Classification: every line that a rule recognises, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.facts.kube_events import KubernetesEventFacts
from parsers.facts.references import ObjectRef
from parsers.facts.seen import ObjectSeen
from parsers.records import Origin
from pipeline.classification import ClassificationFilter, ClassifiedLine, classify_files
from pipeline.sources.files import InputFiles
from pipeline.sources.recording.records import AnyRecord, Read
from tests.pipeline.engine.builders import rules
from tests.pipeline.sources.recording.recorded import AT, BEGAN, DONE, FIRST, read, resumed, write
from tests.property.raw_logs import CAUSE, READ_AT, cri, error, folded, noise, passes, retry, text_line


def _classify(path: Path, lines: list[bytes], chosen: ClassificationFilter | None = None) -> list[ClassifiedLine]:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return list(classify_files(InputFiles([str(path)]), rules(), chosen or ClassificationFilter(), read_at=READ_AT))


def test_class_is_the_deepest_cause_with_the_facts_around_it(tmp_path: Path) -> None:
    """Webhook's service, converted kind, key."""
    (found,) = _classify(tmp_path / "a.log", [error(1, "web")])
    assert ("tls.expired", "emissary-apiext.emissary-system.svc:443", "getambassador.io/v2, Kind=Mapping") == (
        found.failure_class,
        found.service,
        found.kind,
    )
    assert ("rollout shop/web", 1) == (found.key, found.line)


UNRECOGNISED = {
    "noise": [noise(1)],
    "healthy pass": [passes(1, "web")],
    "empty": [b""],
    "no text": [b"\xff\xfe" * 100],
    "what nobody knows": [text_line(1, "the frobnicator is sad", "", "error")],
}


@pytest.mark.parametrize("lines", UNRECOGNISED.values(), ids=UNRECOGNISED)
def test_line_without_a_failure_is_not_printed(tmp_path: Path, lines: list[bytes]) -> None:
    """Whatever it is."""
    assert [] == _classify(tmp_path / "a.log", lines)


RECOGNISED = {
    "retry line": ([retry(1, "web", 371)], ("unknown", "controller.retry", 371)),
    "attempt whose cause nobody knows": (
        [text_line(1, "rollout syncHandler error: the frobnicator is sad", " namespace=shop rollout=web", "error")],
        ("unknown", "", None),
    ),
    "folded line": (folded(1, "web"), ("tls.expired", "tls.expired-without-times", None)),
    "parts of a container runtime": (
        cri(error(1, "web"), 1, size=60),
        ("tls.expired", "tls.expired-without-times", None),
    ),
    "another component's line": (
        [b"http: TLS handshake error from 10.0.0.1:55: remote error: tls: bad certificate"],
        ("tls.bad_certificate", "tls.bad-certificate", None),
    ),
}


@pytest.mark.parametrize(("lines", "facts"), RECOGNISED.values(), ids=RECOGNISED)
def test_line_is_recognised(tmp_path: Path, lines: list[bytes], facts: tuple[str, str, int | None]) -> None:
    """Once, however many physical lines it stands on."""
    (found,) = _classify(tmp_path / "a.log", lines)
    assert facts == (found.failure_class, found.rule, found.retries)
    assert (1, len(lines)) == (found.line, found.line_end)


def test_secrets_are_not_in_what_is_printed(tmp_path: Path) -> None:
    """A token in a message is hidden."""
    line = text_line(1, f"{CAUSE} Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789", "", "error")
    (found,) = _classify(tmp_path / "a.log", [line])
    assert "abcdefghijklmnopqrstuvwxyz0123456789" not in found.text


def test_recording_gives_the_lines_of_each_origin(tmp_path: Path) -> None:
    """Interleaved as they were read, once each though a restart reads them again; and what objects say."""
    cut = text_line(3, "rollout syncHandler error: ", "")[:-1] + CAUSE.encode() + b'" namespace=shop rollout=web'
    records: list[AnyRecord] = [BEGAN, FIRST]
    for number, lines in enumerate(([error(1, "web"), noise(2)], [cut], [retry(4, "web", 7)])):
        texts = [line.decode() for line in lines]
        records += [read(2 * number, *texts), read(2 * number, *texts, stream="topic/1"), DONE]
    event = KubernetesEventFacts(
        ref=ObjectRef("Event", "shop", "a"),
        involved=ObjectRef("Rollout", "shop", "web"),
        reason="Failed",
        type="Warning",
        message=CAUSE.replace("\\", ""),
    )
    seen = ObjectSeen(AT, Origin("objects/events"), 0, event)
    records += [BEGAN, resumed(4), read(3, "x", retry(4, "web", 7).decode()), DONE]
    records += [Read("objects", "events", AT, 1, objects=(seen,)), DONE]
    path = write(tmp_path / "recording", *records)
    found = list(classify_files(InputFiles([str(path)]), rules(), ClassificationFilter(), read_at=READ_AT))
    expected = sorted([("topic/0", line) for line in (0, 2, 4)] + [("topic/1", line) for line in (0, 2, 4)])
    assert [*expected, ("objects/events", 0)] == sorted(
        ((one.source, one.line) for one in found), key=lambda place: (place[0] == "objects/events", place)
    )
    assert {"tls.expired", "unknown"} == {one.failure_class for one in found}
