"""A user's rule file: read, checked strictly, and every fault told with its place and what to do about it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import regex

from parsers.failure_classes import CUSTOM_PREFIX, is_failure_class
from parsers.rules.model import USER_TIMEOUT_SECONDS, Role, Rule
from parsers.rules.places import RulePlaces

REQUIRED_KEYS = ("id", "class", "literals", "pattern", "explanation", "samples_match")
OPTIONAL_KEYS = ("role", "also", "source", "remediation", "samples_no_match", "weak")
MIN_LITERAL_CHARS = 3
ESCAPED_CHARACTERS = "\"'\\<>&/"
"""Characters that JSON, logfmt or HTML writes in another way: a literal with one of them is not found in raw bytes."""

_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_TOML_PLACE = re.compile(r"\s*\(at line (\d+), column (\d+)\)")


class RuleProblem(msgspec.Struct, frozen=True):
    """One fault of a rule file."""

    path: str
    line: int  # from 1
    column: int  # from 1
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.what}; {self.advice}"


class RuleFileError(ValueError):
    """A rule file that cannot be used, with all that is wrong with it."""

    def __init__(self, problems: tuple[RuleProblem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load_user_rules(path: Path, *, taken_ids: frozenset[str] = frozenset()) -> tuple[Rule, ...]:
    """Rules of one file. RuleFileError names every fault, OSError is the caller's to explain."""
    try:
        text = path.read_bytes().decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise RuleFileError((RuleProblem(str(path), 1, 1, "the file is no UTF-8 text", "save it as UTF-8"),)) from error
    except tomllib.TOMLDecodeError as error:
        raise RuleFileError((_toml_problem(path, error),)) from error
    checker = _Checker(str(path), text, set(taken_ids))
    rules = list(checker.check(document))
    if checker.problems:
        raise RuleFileError(tuple(checker.problems))
    return tuple(rules)


def _toml_problem(path: Path, error: tomllib.TOMLDecodeError) -> RuleProblem:
    """Broken TOML; tomllib gives the place in its message."""
    place = _TOML_PLACE.search(str(error))
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    what = f"not valid TOML: {_TOML_PLACE.sub('', str(error))}"
    return RuleProblem(
        str(path), line, column, what, "write patterns between ''' and '''; backslashes then stay as they are"
    )


class _Checker:
    """Checks the rules of one file one after the other and collects what is wrong."""

    def __init__(self, path: str, text: str, taken_ids: set[str]) -> None:
        self.problems: list[RuleProblem] = []
        self._path = path
        self._places = RulePlaces(text)
        self._ids = taken_ids

    def check(self, document: Mapping[str, Any]) -> Iterator[Rule]:
        """The good rules; the faults of the others are in `problems`."""
        for key in document:
            if key != "rule":
                self._fault(0, key, f"unknown key {key!r}", "a rule file holds [[rule]] tables only")
        tables = document.get("rule")
        if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
            self._fault(0, "rule", "no rule", "begin each rule with a line [[rule]]")
            return
        for number, table in enumerate(tables, start=1):
            before = len(self.problems)
            self._check_keys(number, table)
            if len(self.problems) == before and (rule := self._convert(number, table)) is not None:
                self._check_rule(number, rule)
                if len(self.problems) == before:
                    yield rule

    def _fault(self, number: int, key: str, what: str, advice: str) -> None:
        line, column = self._places.of_key(number, key)
        self.problems.append(RuleProblem(self._path, line, column, what, advice))

    def _check_keys(self, number: int, table: Mapping[str, Any]) -> None:
        for key in table:
            if key not in REQUIRED_KEYS and key not in OPTIONAL_KEYS:
                known = ", ".join((*REQUIRED_KEYS, *OPTIONAL_KEYS))
                self._fault(number, key, f"unknown key {key!r}", f"a rule has: {known}")
        for key in REQUIRED_KEYS:
            if key not in table and not (key == "class" and table.get("role") == "benign"):
                self._fault(number, "", f"the rule has no {key!r}", f"add a line {key} = ...")

    def _convert(self, number: int, table: Mapping[str, Any]) -> Rule | None:
        try:
            return msgspec.convert({"role": "cause", "source": self._path, **table}, Rule)
        except msgspec.ValidationError as error:
            key = re.search(r"`\$\.([\w-]+)", str(error))
            self._fault(number, key[1] if key else "", str(error), "correct the type of the value")
            return None

    def _check_rule(self, number: int, rule: Rule) -> None:
        if not _ID.fullmatch(rule.id):
            self._fault(number, "id", f"id {rule.id!r} is no name", "use lower case letters, digits, dots and dashes")
        if rule.id in self._ids:
            self._fault(number, "id", f"there is a rule {rule.id!r} already", "choose another id")
        self._ids.add(rule.id)
        if rule.role in (Role.CARRIER, Role.NOTICE):
            self._fault(number, "role", f"a user's rule cannot be a {rule.role.value}", "use cause or benign")
        for name in filter(None, (rule.failure_class, *rule.also)):
            if not is_failure_class(name):
                advice = f"use a class of the documentation, or {CUSTOM_PREFIX}<name of your own>"
                self._fault(number, "class", f"unknown class {name!r}", advice)
        self._check_literals(number, rule)
        self._check_pattern(number, rule)

    def _check_literals(self, number: int, rule: Rule) -> None:
        if not rule.literals:
            self._fault(
                number, "literals", "no literal", "name a text that each match contains: lines without are skipped"
            )
        for literal in rule.literals:
            if len(literal) < MIN_LITERAL_CHARS or literal != literal.strip() or not literal.isascii():
                what = f"literal {literal!r} is too short, not ASCII, or has blanks at its ends"
                self._fault(
                    number, "literals", what, f"use {MIN_LITERAL_CHARS} or more characters that always stand so"
                )
            elif not literal.isprintable() or set(literal) & set(ESCAPED_CHARACTERS):
                what = f"literal {literal!r} holds a character that logs escape"
                self._fault(number, "literals", what, f"leave out {ESCAPED_CHARACTERS} and take the text beside it")

    def _check_pattern(self, number: int, rule: Rule) -> None:
        try:
            pattern = regex.compile(rule.pattern, regex.VERBOSE)
        except regex.error as error:
            position: int = error.pos or 0  # type: ignore[attr-defined]  # the stubs leave it out
            line, column = self._places.of_pattern(number, rule.pattern, position)
            advice = "patterns are verbose: write a blank as '\\ ' and # as '\\#'"
            what = f"the pattern does not compile: {error.msg}"  # type: ignore[attr-defined]  # nor is this there
            self.problems.append(RuleProblem(self._path, line, column, what, advice))
            return
        if not rule.samples_match:
            self._fault(number, "samples_match", "no sample", "add a message that the pattern must match")
        for sample in rule.samples_match:
            if not any(literal in sample for literal in rule.literals):
                self._fault(
                    number, "samples_match", f"no literal stands in {sample[:80]!r}", "correct literals or sample"
                )
        for key, samples, wanted in (
            ("samples_match", rule.samples_match, True),
            ("samples_no_match", rule.samples_no_match, False),
        ):
            for sample in samples:
                self._check_sample(number, key, sample, pattern, wanted=wanted)

    def _check_sample(self, number: int, key: str, sample: str, pattern: regex.Pattern[str], *, wanted: bool) -> None:
        try:
            is_match = pattern.search(sample, timeout=USER_TIMEOUT_SECONDS) is not None
        except TimeoutError:
            self._fault(
                number, key, f"the pattern is too slow for {sample[:80]!r}", "avoid nested repetitions; use *+ and ++"
            )
            return
        if is_match is not wanted:
            what = f"the pattern {'does not match' if wanted else 'matches'} {sample[:80]!r}"
            self._fault(number, key, what, "correct the pattern (blanks are written as '\\ ') or the sample")
