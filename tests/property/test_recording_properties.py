"""Whatever is recorded comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from parsers.facts.references import ObjectRef
from parsers.facts.seen import AnyFacts, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Block, Origin
from pipeline.sources.recording.lines import LineRedactor, block_of, record_block
from pipeline.sources.recording.records import AnyRecord, Read, decode, encode

MOMENTS = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is added
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.StrType: TEXTS,
    inspect.IntType: st.integers(-(1 << 60), 1 << 60),
    inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
    inspect.BytesType: st.binary(max_size=20),
    inspect.DateTimeType: MOMENTS,
}
ORIGINS = st.builds(Origin, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)


def _values_of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a field, whatever its type is."""
    match kind:
        case inspect.StructType(cls=struct, fields=fields):
            return st.builds(struct, **{field.name: _values_of(field.type) for field in fields})
        case inspect.UnionType(types=types):
            return st.one_of(*map(_values_of, types))
        case inspect.VarTupleType(item_type=item):
            return st.lists(_values_of(item), max_size=2).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*map(_values_of, items))
        case inspect.DictType(value_type=value):
            return st.dictionaries(TEXTS, _values_of(value), max_size=2)
        case _:
            return PLAIN[type(kind)]


def _read(*objects: ObjectSeen | ObjectsListed | ObjectsUnread) -> Read:
    return Read("objects", "rollouts", datetime(2026, 3, 1, tzinfo=UTC), 7, objects=objects)


def _decoded(record: AnyRecord) -> AnyRecord:
    line = encode(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    return decode(line)


@pytest.mark.parametrize("facts", get_args(AnyFacts), ids=lambda facts: facts.__name__)
def test_every_kind_of_facts_comes_back(facts: type[msgspec.Struct]) -> None:
    """All fields, whatever they hold."""

    @given(_values_of(inspect.type_info(facts)), MOMENTS, ORIGINS, st.booleans())
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    def comes_back(one: AnyFacts, at: datetime, origin: Origin, is_deleted: bool) -> None:
        record = _read(ObjectSeen(at, origin, 3, one, is_deleted))
        assert record == _decoded(record)

    comes_back()


@given(MOMENTS, ORIGINS, TEXTS, st.lists(st.builds(ObjectRef, TEXTS, TEXTS, TEXTS)), st.lists(TEXTS))
def test_listings_come_back(at: datetime, origin: Origin, kind: str, refs: list[ObjectRef], places: list[str]) -> None:
    """What was listed, where, and what could not be."""
    record = _read(
        ObjectsListed(at, origin, 1, kind, tuple(refs), tuple(places)), ObjectsUnread(at, origin, 2, kind, kind)
    )
    assert record == _decoded(record)


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40)), min_size=1), st.integers(0, 1 << 60))
def test_lines_come_back(lines: list[tuple[int, bytes]], first: int) -> None:
    """As text, each with its number."""
    numbers, number = [], first
    for step, _ in lines:
        number += step
        numbers.append(number)
    data = b"".join(line.replace(b"\n", b" ") + b"\n" for _, line in lines)
    recorded = record_block(Block(data, Origin("a"), first, tuple(numbers)), LineRedactor())
    record = Read("kafka", "a", datetime(2026, 3, 1, tzinfo=UTC), numbers[-1] + 1, (recorded,))
    found = _decoded(record)
    assert record == found
    assert isinstance(found, Read)
    block = block_of(found.blocks[0])
    assert numbers == list(block.line_numbers or ())
    assert data.decode("utf-8", "replace") == block.data.decode()
