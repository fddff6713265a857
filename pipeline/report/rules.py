"""Rules for a person, and as records for programs."""

from __future__ import annotations

from typing import TextIO

import msgspec
from rich.table import Table
from rich.text import Text

from parsers.rules.model import Rule, RuleSet
from pipeline.engine.remedies import remedy_of_rule
from pipeline.report.terminal import make_console


class RuleFacts(msgspec.Struct, frozen=True):
    """What is shown of a rule."""

    id: str
    role: str
    failure_class: str | None = msgspec.field(name="class")
    source: str
    explanation: str
    pattern: str
    literals: tuple[str, ...]
    samples_match: tuple[str, ...]
    remediation: tuple[dict[str, str | None], ...]


def describe_rule(rule: Rule) -> RuleFacts:
    """A rule as a record."""
    return RuleFacts(
        id=rule.id,
        role=rule.role.value,
        failure_class=rule.failure_class,
        source=rule.source,
        explanation=rule.explanation,
        pattern=rule.pattern,
        literals=rule.literals,
        samples_match=rule.samples_match,
        remediation=tuple({"step": step.step, "command": step.command} for step in remedy_of_rule(rule)),
    )


def print_rules(rules: RuleSet, stream: TextIO) -> None:
    """All rules, one a line."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("id", "role", "class", "source"):
        table.add_column(name)
    for rule in rules:
        table.add_row(rule.id, rule.role.value, rule.failure_class or "-", Text(rule.source))
    make_console(stream).print(table)


def print_rule(rule: Rule, stream: TextIO) -> None:
    """One rule with everything that a person asks about it."""
    console = make_console(stream, is_soft=True)
    console.print(Text(f"{rule.id}  ({rule.role.value}, class {rule.failure_class or '-'})", style="bold"))
    console.print(Text(rule.explanation))
    console.print(Text(f"Source: {rule.source}"))
    console.print(Text(f"Pattern:\n{rule.pattern.strip()}"))
    for sample in rule.samples_match:
        console.print(Text(f"Matches: {sample}"))
    for number, step in enumerate(remedy_of_rule(rule), 1):
        console.print(Text(f"{number}. {step.step}" + (f"\n   $ {step.command}" if step.command else "")))
