"""What a rule is, and a set of rules that compiles patterns when they are first needed."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import regex

USER_TIMEOUT_SECONDS = 0.05
"""How long one user's pattern may search one text. Built-in patterns are linear and have no limit."""


class Role(enum.Enum):
    """What a match of the rule means."""

    CAUSE = "cause"  # a reason why something failed
    CARRIER = "carrier"  # a wrapper: it tells what was attempted; its class counts where no cause is found
    BENIGN = "benign"  # a look-alike: causes inside its span do not count
    NOTICE = "notice"  # says when a certificate ends: a failure where the record was written later than that


class Group(enum.Enum):
    """Kinds of causes that the table in failure_combine treats alike, strongest first."""

    TLS = "tls"
    ENDPOINTS = "endpoints"
    TRANSPORT = "transport"
    EOF = "eof"
    TIMEOUT = "timeout"
    REVIEW = "review"
    SERVICE_MISSING = "service-missing"
    MISSING_API = "missing-api"
    MISSING_RESOURCE = "missing-resource"
    UNAVAILABLE = "unavailable"
    SERVER_ANSWER = "server-answer"
    OVERLOAD = "overload"
    RATE_LIMITER = "rate-limiter"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    FORBIDDEN_OTHER = "forbidden-other"
    ANSWER = "answer"
    OBJECT = "object"
    SCHEMA = "schema"
    REQUIRED = "required"
    INVALID_VALUE = "invalid-value"
    PANIC = "panic"
    LEASE = "lease"
    ROUTER = "router"
    METRIC = "metric"
    CUSTOM = "custom"


class Context(enum.Enum):
    """What a carrier tells about the attempt."""

    ADMISSION = "admission"
    CONVERSION = "conversion"
    CALL = "call"  # an HTTP call, with its URL
    REFLECTOR = "reflector"
    DISCOVERY = "discovery"
    LEASE = "lease"
    AGGREGATED = "aggregated"
    AUTHENTICATION = "authentication"
    SERVER = "server"  # the server's side of a connection
    GRPC = "grpc"
    INVALID = "invalid"
    ROUTER = "router"
    METRIC = "metric"
    WRAPPER = "wrapper"  # no more than a link of the chain


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of the remedy. Names in braces (pipeline/engine/commands.py) are validated, in commands also quoted."""

    step: str
    command: str | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule as it stands in a TOML file, and where it stands."""

    id: str
    role: Role
    literals: tuple[str, ...]  # a match contains at least one of them; what the prefilter looks for
    pattern: str  # verbose, named groups
    source: str  # upstream project, file and versions
    explanation: str
    samples_match: tuple[str, ...]
    samples_no_match: tuple[str, ...] = ()
    failure_class: str | None = msgspec.field(default=None, name="class")
    also: tuple[str, ...] = ()
    group: Group = Group.CUSTOM
    context: Context = Context.WRAPPER
    weak: bool = False  # records of level info that show no more than this are no failures
    remediation: tuple[
        Step, ...
    ] = ()  # of users' rules; what to do about built-in classes: pipeline/engine/remedies.toml


class RuleSet:
    """Rules by id and by literal. A pattern is compiled the first time one of its literals is seen."""

    def __init__(self, rules: Iterable[Rule], user_rules: Iterable[Rule] = ()) -> None:
        users = tuple(user_rules)
        self._rules = {rule.id: rule for rule in (*rules, *users)}
        self._user_ids = frozenset(rule.id for rule in users)
        self._compiled: dict[str, regex.Pattern[str]] = {}
        by_literal: dict[str, list[Rule]] = {}
        self.notices: tuple[Rule, ...] = tuple(rule for rule in self if rule.role is Role.NOTICE)
        """Rules that need the time of the record; `candidates` leaves them out."""
        for rule in self._rules.values():
            for literal in rule.literals:
                by_literal.setdefault(literal, []).append(rule)
        self._by_literal = tuple((literal, tuple(owners)) for literal, owners in by_literal.items())
        self.literals: tuple[bytes, ...] = tuple(
            literal.encode() for literal, owners in by_literal.items() if any(rule.failure_class for rule in owners)
        )
        """What a line holds that can be a failure; wrappers without a class alone make none."""

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)

    def get(self, rule_id: str) -> Rule:
        """The rule of this id; KeyError if there is none."""
        return self._rules[rule_id]

    def is_user_rule(self, rule: Rule) -> bool:
        """Whether a user wrote the rule: its pattern is not known to be linear and runs with a time-out."""
        return rule.id in self._user_ids

    def candidates(self, text: str) -> list[Rule]:
        """Rules one of whose literals stands in the text, each once."""
        found: dict[str, Rule] = {}
        for literal, rules in self._by_literal:
            if literal in text:
                found |= {rule.id: rule for rule in rules if rule.role is not Role.NOTICE}
        return list(found.values())

    def pattern_of(self, rule: Rule) -> regex.Pattern[str]:
        """The rule's compiled pattern."""
        compiled = self._compiled.get(rule.id)
        if compiled is None:
            import regex  # takes longer to import than all rules to load; not needed where nothing fails

            compiled = self._compiled[rule.id] = regex.compile(rule.pattern, regex.VERBOSE)
        return compiled
