"""What went wrong on the way to a receiver, and what that means."""

from __future__ import annotations

import ssl

import httpcore

from pipeline.delivery.sending.addresses import AddressForbiddenError, NameUnknownError
from pipeline.delivery.sending.cutting import Cut
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from pipeline.errors import ConfigurationError

FAULTS = (
    httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError,
    AddressForbiddenError, NameUnknownError, ConfigurationError, OSError,
)  # fmt: skip
"""What may happen to an exchange; anything else is a fault of ours."""


def outcome_of_cut(cut: Cut) -> Outcome:
    """The exchange was cut off."""
    if cut is Cut.STOPPED:
        return Outcome(Verdict.RETRY, OutcomeReason.STOPPED, detail="whystuck ended")
    return Outcome(Verdict.RETRY, OutcomeReason.TIMED_OUT, detail="the time for the whole attempt is over")


def outcome_of_fault(error: Exception) -> Outcome:
    """The exchange failed without an answer. All of these may pass."""
    return Outcome(Verdict.RETRY, _reason_of(error), detail=_detail_of(error))


def _reason_of(error: Exception) -> OutcomeReason:
    if _tls_error(error) is not None:
        return OutcomeReason.TLS_FAILED
    match error:
        case AddressForbiddenError():
            return OutcomeReason.ADDRESS_FORBIDDEN
        case NameUnknownError():
            return OutcomeReason.NAME_UNKNOWN
        case ConfigurationError():
            return OutcomeReason.SETTINGS_UNUSABLE
        case httpcore.TimeoutException() | TimeoutError():
            return OutcomeReason.TIMED_OUT
        case httpcore.ProxyError():
            return OutcomeReason.PROXY_FAILED
        case httpcore.ConnectError() | ConnectionRefusedError():
            return OutcomeReason.CONNECTION_FAILED
        case httpcore.RemoteProtocolError() if "without sending" in str(error):
            return OutcomeReason.CONNECTION_LOST
        case httpcore.ProtocolError():
            return OutcomeReason.PROTOCOL_BROKEN
    return OutcomeReason.CONNECTION_LOST


def _detail_of(error: Exception) -> str:
    """In a few words, without an address: what libraries say of time-outs is empty, or names numbers only."""
    tls = _tls_error(error)
    if tls is not None:
        return " ".join((getattr(tls, "verify_message", "") or tls.reason or "TLS failed").split())
    match error:
        case AddressForbiddenError() | NameUnknownError() | ConfigurationError():
            return " ".join(str(error).split())
        case httpcore.ConnectTimeout():
            return "connecting took too long"
        case httpcore.ReadTimeout():
            return "the receiver said nothing for too long"
        case httpcore.TimeoutException() | TimeoutError():
            return "sending took too long"
        case httpcore.ProxyError():
            return f"the proxy refused: {' '.join(str(error).split())[:100]}"
    cause = _origin_of(error) or error
    return (getattr(cause, "strerror", None) or " ".join(str(cause).split())[:100]) or type(error).__name__


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS said, behind what the library made of it. An end of the connection is none of its errors."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return error
        error = _origin_of(error)
    return None


def _origin_of(error: BaseException) -> BaseException | None:
    """What the library's error was made of: it hands that over as an argument, and not always as the cause."""
    first = error.args[0] if error.args else None
    return error.__cause__ or (first if isinstance(first, BaseException) else None)
