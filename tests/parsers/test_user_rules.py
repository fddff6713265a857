"""Users' rule files: good ones are used, every fault is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.failures import FailureFinder
from parsers.rules.loader import load_rules
from parsers.rules.user_file import RuleFileError

GOOD = """\
[[rule]]
id = "billing.ledger-locked"
class = "custom.billing.locked"
literals = ["ledger is locked"]
pattern = '''ledger\\ is\\ locked\\ by\\ (?P<user>\\w+)'''
explanation = "The ledger is locked."
remediation = [{ step = "Unlock it" }]
samples_match = ["cannot post: ledger is locked by nightly"]
"""


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_user_rule_is_found(tmp_path: Path) -> None:
    """A user's class is given, its groups fill the fields, its literals reach the prefilter."""
    rules = load_rules([_write(tmp_path, GOOD)])
    failure = FailureFinder(rules).find(
        "sync: ledger is locked by nightly: dial tcp 10.0.0.1:1: connect: connection refused"
    )

    assert failure is not None
    assert ("custom.billing.locked", "nightly") == (failure.failure_class, failure.user)
    assert b"ledger is locked" in rules.literals


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("literals = [", "literals = ", "4:", "not valid TOML"),
        ('explanation = "', 'explanaton = "', "6:1", "unknown key 'explanaton'"),
        ("custom.billing.locked", "billing.locked", "3:1", "unknown class 'billing.locked'"),
        ("(?P<user>", "(?P<user", "5:", "the pattern does not compile"),
        ('literals = ["ledger is locked"]\n', "", "1:1", "the rule has no 'literals'"),
        ('["ledger is locked"]', "[]", "4:1", "no literal"),
        ('["ledger is locked"]', "['a \"b']", "4:1", "that logs escape"),
        ('["cannot post: ledger is locked by nightly"]', "[]", "8:1", "no sample"),
        ("locked by nightly", "locked", "8:1", "the pattern does not match"),
        ("billing.ledger-locked", "tls.expired", "2:1", "there is a rule 'tls.expired' already"),
    ],
)
def test_fault_is_told_with_its_place(tmp_path: Path, old: str, new: str, place: str, what: str) -> None:
    """File, line, column, the fault, and what to do."""
    path = _write(tmp_path, GOOD.replace(old, new))

    with pytest.raises(RuleFileError) as caught:
        load_rules([path])

    assert f"{path}:{place}" in str(caught.value)
    assert what in str(caught.value)
    assert all(problem.advice for problem in caught.value.problems)


def test_slow_pattern_is_not_evaluated_and_counted(tmp_path: Path) -> None:
    """A time-out is no silent 'no match'."""
    text = GOOD.replace(
        "ledger\\ is\\ locked\\ by\\ (?P<user>\\w+)", "ledger.*(?:a|a|ab)+(?:a|a|b)+c$|ledger\\ is\\ locked"
    )
    finder = FailureFinder(load_rules([_write(tmp_path, text)]))

    assert finder.find("ledger is locked " + "a" * 6_000 + "x") is None
    assert finder.not_evaluated["billing.ledger-locked"] == 1
