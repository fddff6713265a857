"""Which class a failure has: the table of what was attempted against why it failed.

A TLS cause is always the class. What a transport error or a time-out means depends on who was called: a webhook,
the API server, or something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from parsers.failure_context import Match, has_api_server_path
from parsers.rules.model import Context, Group, Role


class Verdict(msgspec.Struct, frozen=True):
    """The class, and classes that are as right."""

    failure_class: str
    also: tuple[str, ...] = ()


class Attempt(msgspec.Struct, frozen=True):
    """What the wrappers around a cause say was attempted."""

    contexts: frozenset[Context]
    url: str
    invalid_kind: str = ""

    @property
    def is_conversion(self) -> bool:
        """A CRD's conversion webhook was called."""
        return Context.CONVERSION in self.contexts

    @property
    def is_webhook(self) -> bool:
        """A webhook was called by the API server."""
        return self.is_conversion or Context.ADMISSION in self.contexts

    @property
    def is_api_server(self) -> bool:
        """The API server was called."""
        if self.is_webhook or self.contexts & {Context.AGGREGATED, Context.GRPC}:
            return False
        if self.contexts & {Context.LEASE, Context.REFLECTOR, Context.DISCOVERY}:
            return True
        return has_api_server_path(self.url)

    @property
    def unreachable(self) -> str:
        """The class of a webhook that could not be reached."""
        return "webhook.conversion_unreachable" if self.is_conversion else "webhook.admission_unreachable"


def attempt_of(cause: Match, matches: Sequence[Match]) -> Attempt:
    """What the wrappers say. The nearest webhook counts; without one before the cause, any."""
    carriers = [match for match in matches if match.rule.role is Role.CARRIER]
    is_cut = cause.rule.role is Role.CARRIER  # no cause was found: what follows the wrapper tells what was tried
    before = [match for match in carriers if is_cut or match.start <= cause.start] or carriers
    contexts = {match.rule.context for match in before}
    webhooks = [match.rule.context for match in before if match.rule.context in {Context.ADMISSION, Context.CONVERSION}]
    if webhooks:
        contexts -= {Context.ADMISSION, Context.CONVERSION} - {webhooks[-1]}
    urls = [match.groups["url"] for match in before if "url" in match.groups]
    kinds = [match.groups["invalid_kind"] for match in before if "invalid_kind" in match.groups]
    return Attempt(frozenset(contexts), urls[-1] if urls else "", kinds[-1] if kinds else "")


def decide(cause: Match, attempt: Attempt) -> Verdict:
    """The class of a cause that was met in an attempt."""
    own = Verdict(cause.rule.failure_class or "unknown", cause.rule.also)
    decision = _BY_GROUP.get(cause.rule.group)
    verdict = decision(own, attempt) if decision and cause.rule.role is Role.CAUSE else _fallback(own, attempt)
    area = verdict.failure_class.partition(".")[0]
    extra = [name for context, name, but in _ALSO_BY_CONTEXT if context in attempt.contexts and area not in but]
    also = dict.fromkeys((*verdict.also, *extra))
    also.pop(verdict.failure_class, None)
    return Verdict(verdict.failure_class, tuple(also))


def _fallback(own: Verdict, attempt: Attempt) -> Verdict:
    """A wrapper without a known cause: a conversion that was not even answered is unreachable."""
    if own.failure_class == "webhook.conversion_failed" and attempt.url:
        return Verdict("webhook.conversion_unreachable")
    return own


def _tls(own: Verdict, attempt: Attempt) -> Verdict:
    also = list(own.also)
    if attempt.is_conversion:
        also.append("webhook.conversion_unreachable")
    if own.failure_class == "tls.handshake_timeout" and attempt.is_webhook:
        also.append("webhook.timeout")
    return Verdict(own.failure_class, tuple(also))


def _endpoints(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_webhook:
        return Verdict("webhook.no_endpoints", (attempt.unreachable,))
    if Context.AGGREGATED in attempt.contexts or attempt.is_api_server:
        return Verdict("apiserver.unreachable", ("webhook.no_endpoints",))
    return own


def _service_missing(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_webhook:
        return Verdict("webhook.no_endpoints", (attempt.unreachable, "object.not_found"))
    return Verdict("object.not_found", own.also)


def _transport(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_webhook:
        also = () if own.failure_class.startswith("webhook.") else (own.failure_class,)
        return Verdict(attempt.unreachable, (*also, *own.also))
    if attempt.is_api_server:
        return Verdict("apiserver.unreachable", (own.failure_class, *own.also))
    if Context.AGGREGATED in attempt.contexts:
        return Verdict(own.failure_class, (*own.also, "apiserver.unreachable"))
    return own


def _eof(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_webhook:
        return Verdict(attempt.unreachable, ("tls.handshake_eof",))
    return _transport(own, attempt)


def _timeout(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_webhook:
        return Verdict("webhook.timeout", (attempt.unreachable, "network.timeout"))
    if attempt.is_api_server:
        return Verdict("apiserver.overloaded", ("network.timeout", "apiserver.unreachable"))
    if Context.AGGREGATED in attempt.contexts:
        return Verdict("network.timeout", ("apiserver.unreachable",))
    # Without a URL it is not told who was waited for; a controller waits for the API server most of all.
    return Verdict("network.timeout", own.also if attempt.url else ("apiserver.overloaded",))


def _unreachable_if_webhook(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_webhook:
        also = own.also if own.failure_class.startswith("webhook.") else (own.failure_class, *own.also)
        return Verdict(attempt.unreachable, tuple(name for name in also if name != "crd.missing"))
    return own


def _overload(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_webhook:
        return Verdict("webhook.timeout", (own.failure_class,))
    return own


def _rate_limiter(own: Verdict, attempt: Attempt) -> Verdict:
    if Context.LEASE in attempt.contexts:  # how the end of the renew deadline reads, whatever used it up
        return Verdict("leader_election", (own.failure_class, *own.also))
    return own


def _server_answer(own: Verdict, attempt: Attempt) -> Verdict:
    if attempt.is_conversion:
        return Verdict("webhook.conversion_failed")
    return _unreachable_if_webhook(own, attempt)


def _unauthorized(own: Verdict, attempt: Attempt) -> Verdict:
    """Who asks a webhook is the API server, so it is the webhook that did not know its caller."""
    if attempt.is_conversion:
        return Verdict("webhook.conversion_failed", (own.failure_class, *own.also))
    if attempt.is_webhook:
        return Verdict(attempt.unreachable, (own.failure_class, *own.also))
    return own


def _schema(own: Verdict, attempt: Attempt) -> Verdict:
    builtin = attempt.invalid_kind.partition(".")[2] in {"", "apps", "batch", "argoproj.io", "networking.k8s.io"}
    if attempt.invalid_kind and not builtin:
        return Verdict("crd.schema", ("spec.invalid",))
    return own


def _answer(own: Verdict, attempt: Attempt) -> Verdict:
    return own


_BY_GROUP: Mapping[Group, Callable[[Verdict, Attempt], Verdict]] = {
    Group.TLS: _tls,
    Group.ENDPOINTS: _endpoints,
    Group.SERVICE_MISSING: _service_missing,
    Group.TRANSPORT: _transport,
    Group.EOF: _eof,
    Group.TIMEOUT: _timeout,
    Group.REVIEW: _unreachable_if_webhook,
    Group.MISSING_RESOURCE: _unreachable_if_webhook,
    Group.UNAVAILABLE: _unreachable_if_webhook,
    Group.OVERLOAD: _overload,
    Group.RATE_LIMITER: _rate_limiter,
    Group.SERVER_ANSWER: _server_answer,
    Group.UNAUTHORIZED: _unauthorized,
    Group.SCHEMA: _schema,
    Group.REQUIRED: _schema,
}
"""Groups that are not here have the class of their rule, whatever was attempted."""

_ALSO_BY_CONTEXT: tuple[tuple[Context, str, frozenset[str]], ...] = (
    (Context.AUTHENTICATION, "apiserver.unauthorized", frozenset()),
    (Context.METRIC, "metric_provider", frozenset({"webhook"})),
    (Context.ROUTER, "traffic_router", frozenset({"webhook", "tls", "rbac"})),
    (Context.INVALID, "spec.invalid", frozenset()),
)
"""The wrapper's own class is as right, but where the cause lies with somebody else (the first part of its class)."""
