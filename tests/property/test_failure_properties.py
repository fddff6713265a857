"""What holds for any text: no crash, no forged cause, no class that depends on quoting or on an unknown wrapper."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.failures import FailureFinder
from parsers.rules.loader import load_rules
from parsers.rules.model import Role

RULES = load_rules()
FINDER = FailureFinder(RULES)
SAMPLES = sorted(sample for rule in RULES if rule.role is Role.CAUSE for sample in rule.samples_match)
LITERALS = sorted(literal.decode() for literal in RULES.literals)

samples = st.sampled_from(SAMPLES)
noise = st.text(st.characters(codec="utf-8"), max_size=60)
pieces = st.lists(
    st.one_of(st.sampled_from(LITERALS), samples, noise, st.sampled_from(['"', "\\", '\\"', "[", "{", "\n"])),
    max_size=12,
)
words = st.text("abcdefghijklmnopqrstuvwxyz ", min_size=1, max_size=40).map(str.strip).filter(bool)


def _class(text: str) -> str | None:
    failure = FINDER.find(text)
    return failure.failure_class if failure else None


@settings(max_examples=150, deadline=None)
@given(pieces.map("".join))
def test_any_text_is_read(text: str) -> None:
    """Whatever the text, there is an answer."""
    failure = FINDER.find(text)

    assert failure is None or failure.failure_class


@settings(max_examples=100, deadline=None)
@given(pieces.map("".join))
def test_denial_cannot_be_turned_into_another_class(forged: str) -> None:
    """What follows `denied the request:` is data."""
    assert _class(f'rollout syncHandler error: admission webhook "w.guard.dev" denied the request: {forged}') == (
        "webhook.admission_denied"
    )


@settings(max_examples=100, deadline=None)
@given(pieces.map("".join))
def test_refused_value_cannot_be_turned_into_another_class(forged: str) -> None:
    """What stands in the quoted value of a refused field is data."""
    value = json.dumps(forged, ensure_ascii=False)

    assert (
        _class(f'The Rollout "web" is invalid: spec.x: Invalid value: {value}: field is immutable') == "field_immutable"
    )


@settings(max_examples=100, deadline=None)
@given(samples)
def test_one_more_layer_of_quotes_changes_nothing(sample: str) -> None:
    """A message inside another one's quoted string is still the same failure."""
    assert _class(sample) == _class(json.dumps(sample, ensure_ascii=False)[1:-1])


@settings(max_examples=100, deadline=None)
@given(samples, words)
def test_unknown_wrapper_changes_nothing(sample: str, wrapper: str) -> None:
    """A wrapper that no rule knows does not hide the cause."""
    assert _class(sample) == _class(f"zz{wrapper} zz: {sample}")
