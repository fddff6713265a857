"""A component's own note of when a certificate ends, written after that end: a failure that only the time tells.

Such notes come at any level. One that announces a renewal is none of trouble, whatever it says of the old certificate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from parsers.events import CertificateFacts, Failure, NamedObject
from parsers.failure_links import cap_middle
from parsers.records import Level, LogRecord
from parsers.redaction import redact
from parsers.rules.model import Rule, RuleSet
from parsers.text import scrub
from parsers.timestamps import parse_time

MAX_CHARS = 2_000
NOTICE_CARRIER = "notice"
"""The carrier of such failures: they are evidence about the component that wrote them, and about nobody else."""
STILL_AFTER = timedelta(seconds=10)
"""Said again so much later, of the same end, the certificate was not renewed in between."""
MAX_PENDING = 64
_MAX_FIELDS = 64
_SERIOUS = frozenset({Level.ERROR, Level.FATAL})

_IS_OF_CERTIFICATE = re.compile(r"cert|x509|not_?after|\bCA\b", re.IGNORECASE)
_IS_RENEWAL = re.compile(r"renew|rotat|generat|issu(?:ing|ed)\b|re-?creat|refresh|replac|updat", re.IGNORECASE)
_IS_VAIN = re.compile(r"fail|unable|cannot|can't|could not|couldn't|error|denied|forbidden", re.IGNORECASE)
_TOLD_FIELD = re.compile(r"after$|expire|secret|^subject$|^issuer$|serial|cert|^host$|commonname", re.IGNORECASE)
_SECRET_FIELD = re.compile(r"secret_?(?:name)?", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def expired_notice(record: LogRecord, rules: RuleSet) -> Failure | None:
    """The failure that a record tells by a certificate's end that lies before the record's own time.

    None where the record has no time, where any end in it is still to come, and where it announces a renewal.
    """
    if record.at is None:
        return None
    text = _told_text(record)
    for rule in rules.notices:
        if not any(literal in text for literal in rule.literals):
            continue
        printed = [match["not_after"] for match in rules.pattern_of(rule).finditer(text)]
        ends = [end for end in map(_end_of, printed) if end is not None]
        if ends and len(ends) == len(printed) and max(ends) < record.at and _is_about_trouble(text, record.message):
            return _failure(rule, text, printed[ends.index(max(ends))], max(ends), record)
    return None


class NoticeMemory(msgspec.Struct):
    """Notices of one origin. A calm one is often the first line of a renewal, so it counts when it is repeated."""

    first_at: dict[str, datetime] = msgspec.field(default_factory=dict)  # by the end that they tell

    def is_lasting(self, failure: Failure, record: LogRecord, at: datetime) -> bool:
        """Whether the notice shows a certificate that stays as it is, and not one that is being renewed."""
        if record.level in _SERIOUS:
            return True
        end = (failure.certificate.not_after if failure.certificate else None) or ""
        if len(self.first_at) >= MAX_PENDING and end not in self.first_at:
            del self.first_at[next(iter(self.first_at))]
        return at - self.first_at.setdefault(end, at) >= STILL_AFTER


def _told_text(record: LogRecord) -> str:
    """The message, and the fields that tell of a certificate."""
    told = [f"{name}={value}" for name, value in _told_fields(record)]
    return cap_middle(" ".join([f"{record.message}:" if told else record.message, *told]), MAX_CHARS)


def _told_fields(record: LogRecord) -> Iterator[tuple[str, str]]:
    for name, value in list(record.fields.items())[:_MAX_FIELDS]:
        if _TOLD_FIELD.search(name) and value not in record.message:
            yield name, value


def _is_about_trouble(text: str, message: str) -> bool:
    is_renewal = _IS_RENEWAL.search(message) is not None and _IS_VAIN.search(message) is None
    return not is_renewal and _IS_OF_CERTIFICATE.search(text) is not None


def _end_of(printed: str) -> datetime | None:
    """The moment from which on the certificate is certainly over; a bare day is over when the day is."""
    if _DAY.fullmatch(printed):
        moment = parse_time(f"{printed}T00:00:00Z")
        return moment.at + timedelta(days=1) if moment is not None else None
    moment = parse_time(printed)
    return moment.at if moment is not None else None


def _failure(rule: Rule, text: str, printed: str, end: datetime, record: LogRecord) -> Failure:
    shown = redact(scrub(text))
    not_after = printed if _DAY.fullmatch(printed) else end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Failure(
        failure_class=rule.failure_class or "unknown",
        rule=rule.id,
        text=shown,
        chain=(cap_middle(shown, 300),),
        certificate=CertificateFacts(not_after=not_after),
        named_object=_secret_of(record),
    )


def _secret_of(record: LogRecord) -> NamedObject | None:
    """The Secret that the record names as `namespace/name`."""
    for name, value in record.fields.items():
        if _SECRET_FIELD.fullmatch(name):
            namespace, slash, secret = scrub(value).partition("/")
            if slash and namespace and secret and len(value) < 400:
                return NamedObject("secrets", secret, namespace)
    return None
