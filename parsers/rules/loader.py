"""Loads rules: the built-in ones, whose contents tests have checked, and those of users' files, checked here."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from parsers.rules.model import Rule, RuleSet


def load_rules(user_files: Sequence[Path] = ()) -> RuleSet:
    """The built-in rules and those of the files. RuleFileError tells what is wrong with a file."""
    builtin = load_builtin_rules()
    if not user_files:
        return RuleSet(builtin)
    from parsers.rules.user_file import load_user_rules

    users: list[Rule] = []
    for path in user_files:
        taken_ids = frozenset(rule.id for rule in (*builtin, *users))
        users += load_user_rules(path, taken_ids=taken_ids)
    return RuleSet(builtin, users)


def load_builtin_rules() -> tuple[Rule, ...]:
    """All rules of this folder. They are refused where they are no rules at all; tests hold the rest."""
    rules: list[Rule] = []
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        rules += msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8"))["rule"], list[Rule])
    return tuple(rules)
