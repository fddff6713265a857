"""Only evidence decides: without it nobody is blamed, and what fails beside it changes nothing."""

from __future__ import annotations

import random
from functools import cache

import pytest

from tests.mutations import herrings
from tests.mutations.ablation import without_deepest, without_errors
from tests.mutations.cases import Case, scenario_cases
from tests.mutations.verdicts import Outcome, Verdict, of_case, outcome, verdicts_of
from tests.scenarios.scenarios import load, names

BARE = [name for name in names() if load(name).wraps is None and load(name).not_yet is None]
WITHOUT_LINES = {"injector-expired-replicasets-only", "blocked-events-table"}  # objects and tables are all there is
ESTABLISHED = [name for name in BARE if load(name).expect == "established"]


@cache
def _case(name: str) -> Case:
    return next(case for case in scenario_cases() if case.id == name)


@cache
def _before(name: str) -> tuple[Verdict, ...]:
    return tuple(verdicts_of(_case(name).files))


@pytest.mark.parametrize("name", ESTABLISHED)
def test_without_its_errors_no_cause_is_established(name: str) -> None:
    """Retry lines and passes alone blame nobody."""
    assert [] == [one for one in verdicts_of(without_errors(_case(name).files)) if one.is_established]


@pytest.mark.parametrize("name", sorted({*ESTABLISHED} - WITHOUT_LINES))
def test_without_its_deepest_cause_nobody_else_is_blamed(name: str) -> None:
    """The same culprit, one that stands before it in the same error, or none."""
    classes = frozenset(one.failure_class for one in _before(name))
    mutated = without_deepest(_case(name).files, classes)
    assert any(data != _case(name).files[file] for file, data in mutated.items())
    assert outcome(_before(name), verdicts_of(mutated)) not in (Outcome.NEW, Outcome.WRONG)


@pytest.mark.parametrize("name", BARE)
def test_unrelated_failures_in_other_logs_change_no_verdict(name: str) -> None:
    """Other webhooks, certificates and components that fail at the same time."""
    files = _case(name).files
    after = verdicts_of({**files, **herrings.files_beside(files, random.Random(name))})
    assert list(_before(name)) == of_case(after, _before(name))


@pytest.mark.parametrize("name", BARE)
def test_unrelated_failures_in_the_same_stream_change_no_verdict(name: str) -> None:
    """The lines of all pods in one file, as a log store exports them."""
    files, chance = _case(name).files, random.Random(name)
    mixed = herrings.mixed_into_one(files, herrings.files_beside(files, chance), chance)
    assert list(_before(name)) == of_case(verdicts_of(mixed), _before(name))


@pytest.mark.parametrize("name", ["unknown-retry-lines-only", "crd-analysistemplates-removed"])
def test_log_without_any_time_ends_nothing(name: str) -> None:
    """It is of the time of the others, not of the time of reading: else all that is silent since would be over."""
    line = b'failed calling webhook "pods.herring.example": failed to call webhook: EOF\n'
    assert list(_before(name)) == of_case(verdicts_of({**_case(name).files, "herring.log": line * 9}), _before(name))
