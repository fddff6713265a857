"""sample_logs/lines: raw lines, each with what must be found in it as JSON in the comment above."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parsers.events import Failure
from parsers.failures import FailureFinder
from parsers.parse import parse_line
from parsers.records import LogRecord, Origin, SourceLine
from parsers.rules.loader import load_rules

FOLDER = Path(__file__).parents[2] / "sample_logs" / "lines"
RULES = load_rules()
FINDER = FailureFinder(RULES)


def _annotated_lines() -> Iterator[tuple[str, dict[str, Any], str]]:
    for path in sorted(FOLDER.glob("*.log")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number in range(0, len(lines) - 1, 2):
            assert lines[number].startswith("# {"), f"{path.name}:{number + 1}"
            yield f"{path.stem}:{number + 2}", json.loads(lines[number][2:]), lines[number + 1]


LINES = list(_annotated_lines())


def _find(line: str) -> Failure | None:
    record = parse_line(SourceLine(line, 1, 1, Origin(source="sample")))
    assert isinstance(record, LogRecord)
    return FINDER.find_in_record(record)


def _as_annotation(failure: Failure | None, keys: frozenset[str]) -> dict[str, Any]:
    """The failure in the form of an annotation, with the keys that the annotation has."""
    if failure is None:
        return {"class": None}
    certificate, named = failure.certificate, failure.named_object
    special = {
        "class": failure.failure_class,
        "also": list(failure.also),
        "named_object": [named.resource, named.name, named.namespace] if named else None,
        "not_after": certificate.not_after if certificate else None,
        "candidate_authority": certificate.candidate_authority if certificate else None,
    }
    return {key: special[key] if key in special else getattr(failure, key) for key in keys}


@pytest.mark.parametrize(("expected", "line"), [case[1:] for case in LINES], ids=[case[0] for case in LINES])
def test_line_is_classified_as_annotated(expected: dict[str, Any], line: str) -> None:
    """Through the parser and the finder, each line gives what the comment above it says."""
    assert expected == _as_annotation(_find(line), frozenset(expected))


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES])
def test_every_rule_has_a_line(rule_id: str) -> None:
    """A rule without a raw line is a rule that nobody has seen at work."""
    pattern = RULES.pattern_of(RULES.get(rule_id))

    assert any(pattern.search(line.replace('\\"', '"')) for _, _, line in LINES)
