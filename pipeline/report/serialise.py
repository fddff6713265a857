"""Results for programs: JSON, JSON lines, YAML. One shape for all: the records' own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pipeline.report.formats import OutputFormat
from pipeline.statistics.rows import Statistics


def to_json(records: Sequence[object]) -> str:
    """One JSON array, indented."""
    return msgspec.json.format(msgspec.json.encode(records), indent=2).decode()


def to_json_line(record: object) -> str:
    """One JSON object on one line."""
    return msgspec.json.encode(record).decode()


def to_yaml(records: Sequence[object]) -> str:
    """One YAML sequence."""
    import yaml

    return yaml.safe_dump(msgspec.to_builtins(records), sort_keys=False, allow_unicode=True, width=120).rstrip("\n")


def serialise(records: Iterable[object], chosen: OutputFormat) -> Iterable[str]:
    """The lines to print for records in a format for programs."""
    match chosen:
        case OutputFormat.JSONL:
            yield from map(to_json_line, records)
        case OutputFormat.YAML:
            yield to_yaml(list(records))
        case _:
            yield to_json(list(records))


def serialise_statistics(statistics: Statistics, chosen: OutputFormat) -> Iterable[str]:
    """The statistics as one object; as JSON lines one row each, which says what frame it belongs to."""
    match chosen:
        case OutputFormat.JSONL:
            yield from map(to_json_line, statistics.rows())
        case OutputFormat.YAML:
            import yaml

            plain = msgspec.to_builtins(statistics)
            yield yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120).rstrip("\n")
        case _:
            yield msgspec.json.format(msgspec.json.encode(statistics), indent=2).decode()
