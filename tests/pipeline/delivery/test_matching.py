"""Matchers, of routes and of silences."""

from __future__ import annotations

import pytest

from pipeline.delivery.matching import matches_all, matches_some, parse_matcher, parse_matchers
from pipeline.errors import ConfigurationError

LABELS = {"severity": ("critical",), "namespace": ("staging", "production")}


@pytest.mark.parametrize(
    ("text", "some", "all_of_them"),
    [
        ("severity=critical", True, True),
        ('severity="critical"', True, True),
        ("severity=~crit.*", True, True),
        ("severity!=critical", False, False),
        ("namespace=staging", True, False),
        ("namespace!=staging", False, False),
        ("namespace!=other", True, True),
        ("namespace!~stag.*", False, False),
        ('namespace=~"staging|production"', True, True),
        (r'severity=~"crit\w+"', True, True),
        ("owner=", True, True),
        ("owner!=team-a", True, True),
    ],
)
def test_several_values(text: str, some: bool, all_of_them: bool) -> None:
    matchers = (parse_matcher(text),)
    assert (some, all_of_them) == (matches_some(matchers, LABELS), matches_all(matchers, LABELS))


@pytest.mark.parametrize("text", ["", "severity", "=x", "a=~[", 'a="x', "a" * 2000 + "=b"])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_matchers([text])


@pytest.mark.parametrize("value", ["critical", 'a "quoted" one', "back\\slash", "line\nbreak"])
def test_what_is_printed_is_read_again(value: str) -> None:
    matcher = parse_matcher("severity=x")
    again = parse_matcher(str(type(matcher)("severity", "=", value)))
    assert value == again.value


def test_pattern_that_takes_too_long_matches_nothing() -> None:
    hostile = parse_matcher("severity=~(a|a?)+(b|b?)+(a|a?)+$x")
    assert not matches_some((hostile,), {"severity": ("ab" * 40,)})
