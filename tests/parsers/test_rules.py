"""Every rule keeps its promises: samples, literals, ids, classes."""

from __future__ import annotations

import pytest

from parsers.failure_classes import FAILURE_CLASSES, is_failure_class
from parsers.failures import FailureFinder
from parsers.rules.loader import load_rules, parse_rule_files, read_rule_files
from parsers.rules.model import Group, Role, Rule
from parsers.rules.snapshot import digest_of, read_snapshot
from parsers.rules.user_file import ESCAPED_CHARACTERS

RULES = load_rules()
ALL_RULES = tuple(RULES)
FINDER = FailureFinder(RULES)
SAMPLES = [(rule, sample) for rule in RULES for sample in rule.samples_match]


def _id(value: object) -> str:
    return value.id if isinstance(value, Rule) else str(value)[:40]


@pytest.mark.parametrize("rule", ALL_RULES, ids=_id)
class TestRule:
    """What holds for each rule by itself."""

    def test_has_samples_and_sources(self, rule: Rule) -> None:
        """Each rule is shown by a sample, explained, and says where its text comes from."""
        assert rule.samples_match
        assert rule.source
        assert rule.explanation

    def test_classes_are_known(self, rule: Rule) -> None:
        """Classes are of the vocabulary; a cause and a notice have one, a look-alike none."""
        names = [name for name in (rule.failure_class, *rule.also) if name]

        assert all(is_failure_class(name) for name in names)
        has_class = rule.role in (Role.CAUSE, Role.NOTICE)
        assert (rule.failure_class is not None) is has_class or rule.role is Role.CARRIER
        assert (rule.group is Group.CUSTOM) is (rule.role is not Role.CAUSE)

    def test_says_nothing_about_what_to_do(self, rule: Rule) -> None:
        """That depends on the culprit, too: pipeline/engine/remedies.toml. Only users' rules have steps."""
        assert () == rule.remediation

    def test_literals_can_be_found_in_raw_bytes(self, rule: Rule) -> None:
        """No escape of JSON, logfmt or HTML stands in a literal."""
        for literal in rule.literals:
            assert literal == literal.strip()
            assert literal.isascii()
            assert literal.isprintable()
            if rule.failure_class:
                assert not set(literal) & set(ESCAPED_CHARACTERS)

    def test_samples_that_must_not_match(self, rule: Rule) -> None:
        """Neighbours of the rule are left alone."""
        for sample in rule.samples_no_match:
            assert RULES.pattern_of(rule).search(sample) is None


@pytest.mark.parametrize(("rule", "sample"), SAMPLES, ids=_id)
def test_sample_matches_and_holds_a_literal(rule: Rule, sample: str) -> None:
    """The pattern finds its samples, and the prefilter would have let them pass."""
    assert RULES.pattern_of(rule).search(sample)
    assert any(literal in sample for literal in rule.literals)


@pytest.mark.parametrize(("rule", "sample"), [s for s in SAMPLES if s[0].role is Role.CAUSE], ids=_id)
def test_cause_sample_is_claimed_by_its_rule_alone(rule: Rule, sample: str) -> None:
    """No two causes claim one sample."""
    failure = FINDER.find(sample)

    assert failure is not None
    assert rule.id == failure.rule


@pytest.mark.parametrize(("rule", "sample"), [s for s in SAMPLES if s[0].role is Role.BENIGN], ids=_id)
def test_look_alike_is_no_failure(rule: Rule, sample: str) -> None:
    """What a benign rule covers yields nothing."""
    assert FINDER.find(sample) is None


def test_literals_are_those_of_rules_with_a_class() -> None:
    """The prefilter looks for nothing that cannot be a failure."""
    assert b"connection refused" in RULES.literals
    assert b"https://" not in RULES.literals
    assert len(set(RULES.literals)) == len(RULES.literals)


def test_every_class_can_be_found() -> None:
    """All of the vocabulary has a rule, but for what only the decision table gives."""
    by_rules = {name for rule in RULES for name in (rule.failure_class, *rule.also)}

    assert {"unknown", "webhook.conversion_unreachable"} == set(FAILURE_CLASSES) - by_rules


def test_snapshot_is_that_of_the_rule_files() -> None:
    """What is read at the start is what stands in the TOML files; `python -m parsers.rules.snapshot` writes it."""
    files = read_rule_files()

    assert read_snapshot(digest_of(files)) == parse_rule_files(files)


def test_old_snapshot_is_not_used() -> None:
    """A snapshot of other files is no snapshot."""
    assert read_snapshot(digest_of((("tls.toml", b""),))) is None
