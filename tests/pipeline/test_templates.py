"""Errors that no rule knows become templates with counts, trends and samples, and drafts of rules that load."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from parsers.events import ErrorNotUnderstood, Event, Failure, FailureSeen, ObjectKey, SyncFailed
from parsers.failures import FailureFinder
from parsers.records import Origin
from parsers.rules.loader import load_rules
from parsers.unknown import unknown_failure
from pipeline import templates as module
from pipeline.report.drafts import render_rules
from pipeline.suggestions import suggest_rules
from pipeline.templates import Residue, Template, TemplateCollector, Trend

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORIGIN = Origin(source="controller.log")
HOUR = timedelta(hours=1)


def _odd(text: str, seconds: float = 0, line: int = 1, key: ObjectKey | None = None) -> ErrorNotUnderstood:
    return ErrorNotUnderstood(START + timedelta(seconds=seconds), ORIGIN, line, text, key)


def _residue(events: list[Event], covered: timedelta = HOUR) -> Residue:
    collector = TemplateCollector()
    for event in events:
        collector.add(event)
    return collector.residue(START, START + covered)


def _gadgets(count: int) -> list[Event]:
    colours = ("purple", "green", "brown")
    return [
        _odd(f"gadget {name} of pool {number} turned {colours[number % 3]} after {number}s", number, number)
        for number in range(count)
        for name in (f"blue-{number}",)
    ]


def test_texts_that_differ_in_variable_parts_are_one_template() -> None:
    """Masked parts are #, words that differ <*>."""
    (template,) = _residue(_gadgets(30)).templates
    assert "gadget blue-# of pool # turned <*> after #" == template.template
    assert 30 == template.count


def test_different_texts_are_different_templates() -> None:
    """Two errors are never told as one."""
    events: list[Event] = [_odd("the gadget turned purple at dawn"), _odd("the widget was not painted at all today")]
    assert 2 == len(_residue(events).templates)


def test_samples_say_where_they_stand() -> None:
    """Three different texts, each with its line."""
    (template,) = _residue(_gadgets(30)).templates
    assert [("controller.log", 0), ("controller.log", 1), ("controller.log", 2)] == [
        (sample.source, sample.line) for sample in template.samples
    ]


def test_keys_of_a_template_are_told() -> None:
    """And their own names do not make a template of each."""
    keys = [ObjectKey("rollout", "shop", name) for name in ("api", "web")]
    (template,) = _residue([_odd(f"gate of {key.name} is shut", key=key) for key in keys]).templates
    assert ("rollout shop/api", "rollout shop/web") == template.keys
    assert "gate of # is shut" == template.template


def test_failures_of_class_unknown_count() -> None:
    """Attempts that failed for a reason that no rule knows are not understood either."""
    key = ObjectKey("rollout", "shop", "api")
    unknown = SyncFailed(START, ORIGIN, 1, key, unknown_failure("the gadget turned purple"))
    known = FailureSeen(
        START, ORIGIN, 2, Failure("tls.expired", "tls.expired", "x509: certificate has expired"), "other"
    )
    assert 1 == _residue([unknown, known]).records_count


def _every(seconds: int, first: int, last: int) -> Iterator[Event]:
    yield from (_odd("the gadget turned purple", second) for second in range(first, last, seconds))


TRENDS = {
    "first met in the last tenth": ([*_every(60, 3300, 3600)], HOUR, Trend.NEW),
    "as often as before": ([*_every(60, 0, 3600)], HOUR, Trend.STEADY),
    "four times as often as before": ([*_every(120, 0, 3240), *_every(30, 3240, 3600)], HOUR, Trend.GROWING),
    "twice as often as before": ([*_every(120, 0, 3240), *_every(60, 3240, 3600)], HOUR, Trend.STEADY),
    "more often, but rare": ([*_every(3000, 0, 3000), *_every(180, 3240, 3600)], HOUR, Trend.STEADY),
    "only before": ([*_every(60, 0, 1800)], HOUR, Trend.STEADY),
    "in a short log": ([*_every(60, 480, 540)], timedelta(minutes=9), Trend.STEADY),
}


@pytest.mark.parametrize(("events", "covered", "trend"), TRENDS.values(), ids=TRENDS)
def test_trend(events: list[Event], covered: timedelta, trend: Trend) -> None:
    """New, growing and steady are what the documentation says."""
    (template,) = _residue(events, covered).templates
    assert trend is template.trend


def test_new_templates_come_first() -> None:
    """Then growing ones, then by count."""
    events = [*_every(60, 0, 3600), _odd("never seen before today", 3590)]
    assert [Trend.NEW, Trend.STEADY] == [one.trend for one in _residue(events).templates]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit records are counted, in no template; nothing is dropped in silence."""
    monkeypatch.setattr(module, "MAX_TEXTS", 10)
    words = [f"{a}{b}" for a in "abcdefgh" for b in "ijklmnop"]
    residue = _residue([_odd(f"{word}ing {word}ed {word}ly") for word in words])
    assert (64, 54) == (residue.records_count, residue.ungrouped_count)
    assert 10 == sum(template.count for template in residue.templates)


def test_long_storms_keep_few_buckets() -> None:
    """A template's memory does not grow with the time it is met."""
    collector = module._Group(START)
    for minute in range(5_000):
        collector.add(_odd("x", minute * 60), "x", None)
    assert len(collector.buckets) <= module.MAX_BUCKETS
    assert 5_000 == collector.count_since(START)


def test_same_events_give_the_same_templates() -> None:
    """Nothing depends on chance or on an earlier run."""
    assert _residue(_gadgets(50)) == _residue(_gadgets(50))


def test_drain_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No file is written, none is read, nothing is logged."""
    (tmp_path / "drain3.ini").write_text("[DRAIN]\nsim_th = 0.0\n")
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.DEBUG):
        assert 2 == len(_residue([_odd("one two three four"), _odd("five six seven eight")]).templates)
    assert ["drain3.ini"] == [path.name for path in tmp_path.iterdir()]
    assert [] == caplog.records


DRAFTED = {
    "words that differ": _gadgets(10),
    "quotes and brackets": [_odd(f'gate "{name}" (of {name}) is [shut] & bolted # now') for name in ("north", "south")],
    "escaped quotes": [_odd(f'gate \\"{name}\\" cannot be opened by anybody') for name in ("north", "south")],
    "several lines": [_odd("gate north cannot be opened:\n\tthe hinge is broken")],
    "not ASCII": [_odd("gate Größe cannot be opened by anybody: naïve")],
    "an apostrophe at the end": [_odd("cannot open the northern gate called 'north'")],
    "triple quotes": [_odd("cannot open the northern gate '''north'''")],
    "control characters": [_odd("cannot open \x1b[31mthe northern\x07 gate by any means")],
    "secrets": [_odd("cannot open the gate with token=[redacted] in the morning")],
}


@pytest.mark.parametrize("events", DRAFTED.values(), ids=DRAFTED)
def test_draft_loads_and_recognises_its_samples(events: list[Event], tmp_path: Path) -> None:
    """What `rules suggest` writes, `rules test` accepts at once, and `replay --rules` knows from then on."""
    found = suggest_rules(_residue(events).templates)
    file = tmp_path / "rules.toml"
    file.write_text(render_rules(found), encoding="utf-8")
    finder = FailureFinder(load_rules((file,)))
    failures = [finder.find(event.text) for event in events if isinstance(event, ErrorNotUnderstood)]
    assert {f"custom.{found.drafts[0].id}"} == {failure.failure_class for failure in failures if failure is not None}
    assert None not in failures


def test_ids_of_drafts_are_free() -> None:
    """They begin with todo, and none is taken already."""
    first = suggest_rules(_residue(_gadgets(3)).templates).drafts[0].id
    second = suggest_rules(_residue(_gadgets(3)).templates, {first}).drafts[0].id
    assert first.startswith("todo-")
    assert f"{first}-2" == second


LEFT_OUT = {"too short": "boom", "numbers only": "1 2 3 4 5 6 7", "nothing that stands so": "a b c d e f g h i j k l"}


@pytest.mark.parametrize("text", LEFT_OUT.values(), ids=LEFT_OUT)
def test_template_that_would_match_anything_has_no_draft(text: str) -> None:
    """It is named in a comment instead."""
    found = suggest_rules(_residue([_odd(text)]).templates)
    assert () == found.drafts
    assert isinstance(found.left_out[0], Template)
    assert "Too general" in render_rules(found)


def test_secret_in_the_raw_log_does_not_hide_it_from_a_draft() -> None:
    """The literal is what the raw line holds, never the mark of a secret."""
    (draft,) = suggest_rules(
        _residue([_odd("cannot open the gate with token=[redacted] in the morning")]).templates
    ).drafts
    assert "redacted" not in draft.literal
    assert "redacted" not in draft.pattern
