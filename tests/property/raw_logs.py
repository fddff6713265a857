"""Raw logs: the lines that controllers print, in the wrappings in which they are stored, and what damages them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from parsers.events import Event
from parsers.failures import FailureFinder
from parsers.prefilter import Scanner
from parsers.records import Origin
from parsers.rules.loader import load_rules
from pipeline.extract import StreamExtractor, scanner_for
from pipeline.sources.blocks import LineCutter, blocks_of_lines

CAUSE = (
    r"conversion webhook for getambassador.io/v2, Kind=Mapping failed: Post \"https://emissary-apiext.emissary-system"
    r".svc:443/webhooks/crd-convert?timeout=30s\": x509: certificate has expired or is not yet valid"
)
READ_AT = datetime(2026, 4, 1, tzinfo=UTC)


def stamp(second: int) -> str:
    """A time as logrus writes it."""
    return f"2026-03-01T{12 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def text_line(second: int, message: str, fields: str = "", level: str = "info") -> bytes:
    """A line of logrus' text format."""
    return f'time="{stamp(second)}" level={level} msg="{message}"{fields}'.encode()


def passes(second: int, name: str) -> bytes:
    """A pass ends."""
    return text_line(second, "Reconciliation completed", f" namespace=shop rollout={name} time_ms=3.1")


def error(second: int, name: str) -> bytes:
    """An attempt fails."""
    return text_line(second, f"rollout syncHandler error: {CAUSE}", f" namespace=shop rollout={name}", "error")


def retry(second: int, name: str, count: int) -> bytes:
    """The retry line."""
    return text_line(second, rf"rollout syncHandler queue retries: {count} : key \"shop/{name}\"")


def noise(second: int) -> bytes:
    """What nobody looks for."""
    return text_line(second, "Started syncing rollout", " namespace=shop rollout=calm")


def panic(second: int) -> list[bytes]:
    """A panic whose stack was printed over many lines."""
    head = text_line(
        second, "Recovered from panic: runtime error: invalid memory address", " namespace=shop rollout=web"
    )
    stack = [b"goroutine 41 [running]:", b"main.sync(0x1)", b"\t/go/src/sync.go:41 +0x1d", b"created by main.run", b""]
    return [head, *stack]


def folded(second: int, name: str) -> list[bytes]:
    """A line that a person or a mail program folded."""
    head, _, tail = error(second, name).partition(b": x509")
    return [head + b":", b"    x509" + tail]


def cri(line: bytes, second: int, *, size: int) -> list[bytes]:
    """The line as a container runtime stores it, in parts of some size."""
    parts = [line[start : start + size] for start in range(0, len(line), size)]
    head = f"{stamp(second)[:-1]}.000000000Z stderr ".encode()
    return [head + (b"F " if part is parts[-1] else b"P ") + part for part in parts]


def story(seconds: Sequence[int], name: str = "web") -> list[bytes]:
    """Attempts that fail, each with its pass, its error and its retry line."""
    return [
        line
        for n, second in enumerate(seconds, 1)
        for line in (passes(second, name), error(second, name), retry(second, name, n))
    ]


@cache
def scanner(*, use_hyperscan: bool | None = None) -> Scanner:
    """The prefilter of all rules."""
    return scanner_for(load_rules(), use_hyperscan=use_hyperscan)


@cache
def finder() -> FailureFinder:
    """Finds the failures of the built-in rules."""
    return FailureFinder(load_rules())


def events_of(
    chunks: Sequence[bytes], *, block_bytes: int = 1 << 22, with_scanner: Scanner | None = None
) -> list[Event]:
    """The events in the chunks of one log, cut into blocks of about this size."""
    extractor = StreamExtractor(with_scanner or scanner(), finder(), read_at=READ_AT)
    cutter = LineCutter(block_bytes, 8 << 20)
    return list(extractor.events(blocks_of_lines(chunks, Origin(source="log"), READ_AT, cutter)))
