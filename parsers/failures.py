"""A failure's text taken apart: the deepest cause gives the class, the wrappers around it the context."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence

from parsers.events import Failure
from parsers.expiry_notices import expired_notice
from parsers.failure_combine import Verdict, attempt_of, decide
from parsers.failure_context import (
    Match,
    api_group_of,
    certificate_of,
    collect_groups,
    kind_of,
    object_of,
    service_of,
)
from parsers.failure_links import build_chain, cap_middle
from parsers.failure_panic import find_location
from parsers.failure_record import text_of_record, with_record_fields
from parsers.failure_repeat import volatile_of, with_volatile
from parsers.failure_text import FailureText, prepare_text
from parsers.records import Level, LogRecord
from parsers.rules.model import USER_TIMEOUT_SECONDS, Context, Group, Role, Rule, RuleSet

MAX_SHOWN_CHARS = 2_000
MEMO_SIZE = 4_096
MAX_MEMO_CHARS = 8_192
"""Longer texts are not remembered: they are rare, and would make the memory's size depend on the input."""

_CALM = frozenset({Level.DEBUG, Level.INFO})
_MAX_MATCHES_PER_RULE = 16
_API_IS_MISSING = frozenset({Group.UNAVAILABLE, Group.MISSING_RESOURCE})
_NAMES_AN_API = _API_IS_MISSING | {Group.MISSING_API}
_WEBHOOKS = frozenset({Context.ADMISSION, Context.CONVERSION})
_CALLED = _WEBHOOKS | {Context.AGGREGATED}
_WITHOUT_DIGITS = {ord(digit): None for digit in "0123456789"}


class FailureFinder:
    """Finds the failure that a text tells of. What it has seen it remembers; it holds no other state."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._by_text: OrderedDict[str, tuple[str, Failure | None]] = OrderedDict()
        self._by_shape: OrderedDict[str, tuple[Rule, ...]] = OrderedDict()
        self.not_evaluated: Counter[str] = Counter()
        """How often a user's rule hit its time-out, by id: for these texts it is not known whether it matches."""

    def find(self, text: str) -> Failure | None:
        """The failure, or None where no rule knows one."""
        volatile = volatile_of(text)
        key = text.replace(volatile, "") if volatile else text
        if key in self._by_text:
            self._by_text.move_to_end(key)
            known_volatile, failure = self._by_text[key]
            if failure is None or volatile == known_volatile:
                return failure
            return with_volatile(failure, known_volatile, volatile)
        timeouts = self.not_evaluated.total()
        failure = self._find(text)
        if len(text) <= MAX_MEMO_CHARS and timeouts == self.not_evaluated.total():
            self._by_text[key] = volatile, failure
            if len(self._by_text) > MEMO_SIZE:
                self._by_text.popitem(last=False)
        return failure

    def find_in_record(self, record: LogRecord) -> Failure | None:
        """The failure that a log record of any component tells of."""
        failure = self.find(text_of_record(record))
        if failure is None:
            return expired_notice(record, self._rules)
        if record.level in _CALM and self._rules.get(failure.rule).weak and "type: 'Warning'" not in record.message:
            return None
        return with_record_fields(failure, record)

    def is_notice(self, failure: Failure) -> bool:
        """Whether the failure is known by a certificate's end alone (`Role.NOTICE`)."""
        return any(rule.id == failure.rule for rule in self._rules.notices)

    def is_benign(self, text: str) -> bool:
        """Whether a rule knows the text as a look-alike that means no harm."""
        return any(rule.role is Role.BENIGN and bool(self._search(rule, text)) for rule in self._rules.candidates(text))

    def _find(self, text: str) -> Failure | None:
        prepared = prepare_text(text)
        matches = self._match(prepared.searched)
        causes = [match for match in matches if match.rule.failure_class]
        if not causes:
            return None
        own = [match for match in causes if self._rules.is_user_rule(match.rule)]
        cause = own[-1] if own else _deepest(causes)  # who writes a rule wants it to be heard
        return _failure(prepared, cause, matches)

    def _match(self, text: str) -> list[Match]:
        """All matches that count, in the order of the text."""
        shape = text.translate(_WITHOUT_DIGITS)
        known = self._by_shape.get(shape)
        if known is not None:
            self._by_shape.move_to_end(shape)
            found = [(rule, self._search(rule, text)) for rule in known]
            if all(matches for _, matches in found):
                return _visible([match for _, matches in found for match in matches])
        found = [(rule, self._search(rule, text)) for rule in self._rules.candidates(text)]
        if len(text) <= MAX_MEMO_CHARS:
            self._by_shape[shape] = tuple(rule for rule, matches in found if matches)
            if len(self._by_shape) > MEMO_SIZE:
                self._by_shape.popitem(last=False)
        return _visible([match for _, matches in found for match in matches])

    def _search(self, rule: Rule, text: str) -> list[Match]:
        """Where the rule matches."""
        pattern = self._rules.pattern_of(rule)
        timeout = USER_TIMEOUT_SECONDS if self._rules.is_user_rule(rule) else None
        matches: list[Match] = []
        try:
            for hit in pattern.finditer(text, timeout=timeout):
                groups = {name: value for name, value in hit.groupdict().items() if value is not None}
                matches.append(Match(rule, hit.start(), hit.end(), groups))
                if len(matches) == _MAX_MATCHES_PER_RULE:
                    break
        except TimeoutError:
            self.not_evaluated[rule.id] += 1
            return []
        return matches


def _visible(matches: list[Match]) -> list[Match]:
    """Without causes inside another cause or a look-alike; in order."""
    matches = _without_quoted(matches)
    covers = [match for match in matches if match.rule.role is not Role.CARRIER]
    kept = [
        match
        for match in matches
        if match.rule.role is not Role.BENIGN and not any(_covers(cover, match) for cover in covers)
    ]
    return sorted(kept, key=lambda match: (match.start, -match.end))


def _without_quoted(matches: list[Match]) -> list[Match]:
    """An answer that an error quotes is taken as one thing, or as what stands in it, never as both.

    What a webhook wrote is its own text. The API server writes of whom it called itself, and then that is the cause.
    """
    for answer in [match for match in matches if match.rule.group is Group.SERVER_ANSWER]:
        inside = [match for match in matches if match is not answer and _is_within(match, answer)]
        if any(match.rule.context in _WEBHOOKS and match.start < answer.start for match in matches):
            matches = [match for match in matches if match not in inside]
        elif any(match.rule.context in _CALLED for match in inside):
            matches = [match for match in matches if match is not answer]
    return matches


def _is_within(match: Match, outer: Match) -> bool:
    return outer.start <= match.start and match.end <= outer.end


def _covers(cover: Match, match: Match) -> bool:
    """Whether a match is a part of another one. Of equal spans the rule that comes first in order of ids stays."""
    if match.rule.role is Role.CARRIER and cover.rule.role is not Role.BENIGN:
        return False
    if cover is match or cover.start > match.start or cover.end < match.end:
        return False
    is_equal = cover.start == match.start and cover.end == match.end
    return not is_equal or cover.rule.role is Role.BENIGN or cover.rule.id < match.rule.id


_WEAKEST = {Group.INVALID_VALUE: 4, Group.FORBIDDEN_OTHER: 4}


def _deepest(candidates: Sequence[Match]) -> Match:
    """The cause: TLS before all, then what stands deepest; a wrapper only where nothing else was found.

    Errors nest from left to right, so the deepest is the last. Of several TLS errors (an aggregated error lists
    them) the first is taken, as the others are its siblings or repeat it.
    """
    causes = [match for match in candidates if match.rule.role is Role.CAUSE]
    tls = [match for match in causes if match.rule.group is Group.TLS]
    if tls:
        return tls[0]
    if causes:
        return min(causes, key=lambda match: (_WEAKEST.get(match.rule.group, 3), -match.start))
    return candidates[-1]


def _failure(prepared: FailureText, cause: Match, matches: Sequence[Match]) -> Failure:
    """The record, with the fields that the message gives."""
    attempt = attempt_of(cause, matches)
    verdict: Verdict = decide(cause, attempt)
    groups = collect_groups(cause, matches)
    is_of_api = cause.rule.group in _API_IS_MISSING or Context.AGGREGATED in attempt.contexts
    is_answer = cause.rule.group is Group.SERVER_ANSWER and attempt.is_webhook  # what it quotes names nobody
    service, url_path = service_of(groups, "" if is_answer else prepared.searched)
    return Failure(
        failure_class=verdict.failure_class,
        rule=cause.rule.id,
        text=cap_middle(prepared.shown, MAX_SHOWN_CHARS),
        also=verdict.also,
        chain=build_chain(prepared.searched, cause, matches, prepared.reason),
        webhook=groups.get("webhook"),
        is_conversion=Context.CONVERSION in attempt.contexts,
        service=service,
        url_path=url_path,
        kind=kind_of(groups),
        certificate=certificate_of(groups),
        peer=groups.get("peer"),
        named_object=object_of(groups),
        api_group=api_group_of(groups, is_of_api=is_of_api) if is_of_api or cause.rule.group in _NAMES_AN_API else None,
        user=groups.get("user"),
        verb=groups.get("verb"),
        quota=groups.get("quota"),
        policy=groups.get("policy"),
        location=find_location(prepared.stack) if cause.rule.group is Group.PANIC else None,
        plugin=groups.get("plugin"),
    )
