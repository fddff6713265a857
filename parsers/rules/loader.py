"""Loads rules: the built-in ones, whose contents tests have checked, and those of users' files, checked here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from parsers.rules.model import Rule, RuleSet
from parsers.rules.snapshot import digest_of, read_snapshot


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
    """All rules of this folder, from the snapshot where it is up to date."""
    files = read_rule_files()
    return read_snapshot(digest_of(files)) or parse_rule_files(files)


def read_rule_files() -> tuple[tuple[str, bytes], ...]:
    """Name and contents of each TOML file of this folder."""
    return tuple((path.name, path.read_bytes()) for path in sorted(Path(__file__).parent.glob("*.toml")))


def parse_rule_files(files: Sequence[tuple[str, bytes]]) -> tuple[Rule, ...]:
    """The rules of TOML files. They are refused where they are no rules at all; tests hold the rest."""
    import tomllib  # not needed where the snapshot is up to date

    rules: list[Rule] = []
    for _, contents in files:
        rules += msgspec.convert(tomllib.loads(contents.decode())["rule"], list[Rule])
    return tuple(rules)
