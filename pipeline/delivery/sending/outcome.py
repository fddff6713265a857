"""What became of one attempt, and what follows from it. Sources: RFC 9110 (status, Retry-After), RFC 6585 (429)."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

MAX_RETRY_AFTER_SECONDS = 3600.0
"""A receiver that asks for more is asked again after this: it may have meant milliseconds, or be broken."""

_TRY_AGAIN = frozenset({408, 425, 429})
_GONE = 410
_PROXY_WANTS_LOGIN = 407


class Verdict(enum.Enum):
    """What follows from an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"  # later it may work; the receiver may even have got it
    REFUSED = "refused"  # the same would be refused again: a dead letter
    GONE = "gone"  # the receiver wants nothing any more: it is disabled


class OutcomeReason(enum.Enum):
    """Why it is so."""

    ACCEPTED = "accepted"
    BUSY = "busy"  # 408, 425, 429
    SERVER_ERROR = "server_error"  # 5xx
    REJECTED = "rejected"  # another 4xx, or a mail server's 5xx
    REDIRECTED = "redirected"  # never followed: the address in the settings is the one that was agreed on
    UNEXPECTED_STATUS = "unexpected_status"
    GONE = "gone"
    TIMED_OUT = "timed_out"
    NAME_UNKNOWN = "name_unknown"
    ADDRESS_FORBIDDEN = "address_forbidden"  # private, link-local and the like, and not allowed
    CONNECTION_FAILED = "connection_failed"
    CONNECTION_LOST = "connection_lost"  # the receiver may have got it
    TLS_FAILED = "tls_failed"
    PROXY_FAILED = "proxy_failed"
    PROTOCOL_BROKEN = "protocol_broken"  # the answer is no HTTP, or no SMTP
    SETTINGS_UNUSABLE = "settings_unusable"  # a secret's or certificate's file cannot be read now
    STOPPED = "stopped"  # whystuck ended in the middle of it
    OWN_FAULT = "own_fault"  # a fault of whystuck's


class Outcome(msgspec.Struct, frozen=True):
    """What became of one attempt."""

    verdict: Verdict
    reason: OutcomeReason
    status: int | None = None  # of HTTP or SMTP; None: there was no answer
    detail: str = ""  # one line, without secrets and without the receiver's address
    retry_after_seconds: float | None = None  # what the receiver asks for, at most an hour
    took_seconds: float = 0.0


def judge_status(status: int) -> tuple[Verdict, OutcomeReason]:
    """What an HTTP status means: only 2xx is a success."""
    if 200 <= status < 300:
        return Verdict.DELIVERED, OutcomeReason.ACCEPTED
    if status == _GONE:
        return Verdict.GONE, OutcomeReason.GONE
    if status in _TRY_AGAIN:
        return Verdict.RETRY, OutcomeReason.BUSY
    if status == _PROXY_WANTS_LOGIN:
        return Verdict.RETRY, OutcomeReason.PROXY_FAILED  # the receiver has not seen it
    if 500 <= status < 600:
        return Verdict.RETRY, OutcomeReason.SERVER_ERROR
    if 300 <= status < 400:
        return Verdict.REFUSED, OutcomeReason.REDIRECTED
    if 400 <= status < 500:
        return Verdict.REFUSED, OutcomeReason.REJECTED
    return Verdict.REFUSED, OutcomeReason.UNEXPECTED_STATUS


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait, from the header `Retry-After`: a number of seconds or a date. None: it says nothing usable."""
    if text is None:
        return None
    written = text.strip()
    if written.isascii() and written.isdigit():
        return min(float(written[:12]), MAX_RETRY_AFTER_SECONDS)
    try:
        at = parsedate_to_datetime(written)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)
