"""The words of an incident: title, summary, steps, timeline. They say what the records say, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from parsers.events import Failure
from parsers.rules.model import RuleSet
from pipeline.engine.api_names import plural_of
from pipeline.engine.causes import Cause
from pipeline.engine.drift import explain
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import CauseFacts, CertificateFinding, Victim, deepest_of
from pipeline.engine.phrases import moment_text
from pipeline.engine.relations import path_of

_WHAT_HAPPENED = {
    "tls.expired": "certificate of {culprit} has expired",
    "tls.not_yet_valid": "certificate of {culprit} is not valid yet",
    "tls.unknown_authority": "certificate of {culprit} is signed by an authority that the caller does not trust",
    "tls.name_mismatch": "certificate of {culprit} is for another name",
    "tls.no_san": "certificate of {culprit} has no subject alternative name",
    "tls.bad_certificate": "{culprit} refuses the certificate presented to it",
    "tls.handshake_timeout": "TLS handshake with {culprit} times out",
    "tls.handshake_eof": "{culprit} ends the connection in the TLS handshake",
    "tls.other": "TLS with {culprit} fails",
    "webhook.conversion_unreachable": "conversion webhook {culprit} cannot be reached",
    "webhook.conversion_failed": "conversion webhook {culprit} fails",
    "webhook.admission_unreachable": "admission webhook {culprit} cannot be reached",
    "webhook.admission_denied": "{culprit} denies the change",
    "webhook.timeout": "webhook {culprit} does not answer in time",
    "webhook.no_endpoints": "webhook {culprit} has no endpoints",
    "apiserver.unreachable": "{culprit} cannot be reached",
    "apiserver.overloaded": "{culprit} does not answer in time",
    "apiserver.unauthorized": "{culprit} does not accept the controller's credentials",
    "rbac.forbidden": "{culprit} {lacks}",
    "crd.missing": "the API {culprit} is not installed or not served",
    "crd.schema": "{culprit} does not fit its schema",
    "conflict": "{culprit} is changed by another writer all the time",
    "spec.invalid": "the spec of {culprit} is invalid",
    "object.not_found": "{culprit} does not exist",
    "quota": "{culprit} is used up",
    "panic": "the controller panics in {culprit}",
    "traffic_router": "the traffic router fails",
    "metric_provider": "the metric provider fails",
    "field_immutable": "a field of {culprit} cannot be changed",
    "etcd.too_large": "{culprit} has become too large to be stored",
    "network.dns": "{culprit} cannot be resolved",
    "network.refused": "{culprit} refuses connections",
    "network.timeout": "{culprit} does not answer",
    "leader_election": "the controller cannot keep its lease",
}
_WHAT_THE_RULE_SAYS = {
    "quota.unmet": "{culprit} asks for requests or limits that the pods do not have",
    "quota.unknown": "the use of {culprit} is not counted yet",
    "quota.limit-range": "the pods are outside of the limits of {culprit}",
}
"""Rules that say something else than their class."""
_WITHOUT_CULPRIT = {"crd.missing": "an API that it asks for is not installed or not served"}
_WHAT_WAS_FOUND = {
    "clock_skew": "the clock is wrong by which the certificate of {culprit} is refused",
    "authority_expired": "the authority behind the certificate of {culprit} has expired",
    "stale_ca_bundle": "the caBundle is older than the authority of the certificate of {culprit}",
    "stale_served_certificate": "{culprit} serves another certificate than the one in its Secret",
}
"""Findings that say more than the class."""
_ABOUT_ITSELF = {
    "crd.schema": "it does not fit its schema",
    "conflict": "another writer changes it all the time",
    "spec.invalid": "its spec is invalid",
    "field_immutable": "one of its fields cannot be changed",
    "etcd.too_large": "it has become too large to be stored",
}
"""Where the only victim is its own culprit, it need not be named twice."""
_SAID_BY_THE_MESSAGE = ("wrong_name", "no_san")
"""Findings that add nothing to the message where no object was compared."""
MAX_RIGHTS = 3


def title_of(trouble: Trouble, victims: Sequence[Victim], finding: str = "") -> str:
    """One line: who is stuck, and why; `finding` is the decisive one about the certificate, or nothing."""
    who = _who(victims)
    cause = trouble.cause
    if not cause.is_established or cause.failure is None:
        return f"{who}: cause not established"
    return f"{who}: {_what_happened(trouble, victims, finding)}"


def _what_happened(trouble: Trouble, victims: Sequence[Victim], finding: str) -> str:
    cause = trouble.cause
    culprit = cause.culprit
    only = victims[0] if len(victims) == 1 else None
    if culprit is not None and only is not None and (culprit.name, culprit.namespace) == (only.name, only.namespace):
        about_itself = _ABOUT_ITSELF.get(cause.failure_class)
        if about_itself is not None:
            return about_itself
    by_class = _WHAT_HAPPENED.get(cause.failure_class, f"{cause.failure_class} at {{culprit}}")
    if culprit is None:
        by_class = _WITHOUT_CULPRIT.get(cause.failure_class, by_class)
    elif cause.failure is not None:
        by_class = _WHAT_THE_RULE_SAYS.get(cause.failure.rule, by_class)
    what = _WHAT_WAS_FOUND.get(finding, by_class)
    return what.format(culprit=name_of_culprit(cause), lacks=_lacking_rights(trouble))


def _lacking_rights(trouble: Trouble) -> str:
    """Which rights the subject lacks, over all victims."""
    tallies = [tally for member in trouble.members for tally in member.spell.tallies()]
    if trouble.controller is not None:
        tallies += trouble.controller.tallies
    rights: dict[str, set[str]] = {}
    for failure in (tally.failure for tally in tallies):
        if failure.failure_class != "rbac.forbidden" or failure.user != (trouble.cause.failure or failure).user:
            continue
        if not failure.verb or failure.named_object is None or not failure.named_object.resource:
            return "lacks a right"
        rights.setdefault(failure.verb, set()).add(failure.named_object.resource)
    count = sum(map(len, rights.values()))
    if not 0 < count <= MAX_RIGHTS:
        return f"lacks {count} rights" if count else "lacks a right"
    return "may not " + ", nor ".join(f"{verb} {' and '.join(sorted(rights[verb]))}" for verb in sorted(rights))


def _who(victims: Sequence[Victim]) -> str:
    keys = [victim for victim in victims if victim.kind != "controller"]
    if not keys:
        return "the Argo Rollouts controller is in trouble"
    if len(keys) == 1:
        return f"{keys[0].kind} {_place_of(keys[0])} is stuck"
    kinds = {victim.kind for victim in keys}
    noun = plural_of(keys[0].kind) if len(kinds) == 1 else "objects"
    return f"{len(keys)} {noun} are stuck"


def _place_of(victim: Victim) -> str:
    return "/".join(part for part in (victim.namespace, victim.name) if part)


def name_of_culprit(cause: Cause) -> str:
    """The culprit as a person would call it."""
    culprit = cause.culprit
    if culprit is None:
        return "an unknown party"
    match culprit.kind:
        case "Service":
            return f"{culprit.name}.{culprit.namespace}.svc" if culprit.namespace else culprit.name
        case "APIServer":
            return f"the API server {culprit.host}".strip()
        case "Endpoint":
            return culprit.host
        case "Function":
            return culprit.name
        case "Controller":
            return "the controller"
        case "Webhook":
            is_subject = cause.failure_class == "webhook.admission_denied"
            return f"admission webhook {culprit.name}" if is_subject else culprit.name
        case "CustomResourceDefinition" | "Kind":
            return _name_of_api(cause.failure_class, culprit.name)
        case _:
            if not culprit.name and culprit.namespace:
                return f"{culprit.kind} of the namespace {culprit.namespace}"
            place = f"{culprit.namespace}/{culprit.name}" if culprit.namespace else culprit.name
            return f"{culprit.kind} {place}".strip()


def _name_of_api(failure_class: str, name: str) -> str:
    """A kind or resource that stands for the webhook behind it, where the log does not name that webhook."""
    if failure_class.startswith("tls."):
        return f"the conversion webhook of {name}"
    return f"of {name}" if failure_class.startswith("webhook.") else name


def summary_of(trouble: Trouble, victims: Sequence[Victim], facts: CauseFacts, rules: RuleSet) -> str:
    """Some sentences for a person who knows nothing yet."""
    cause = trouble.cause
    sentences = [_sentence_about(trouble, victims), *_sentences_about_replicas(victims)]
    if cause.failure is None:
        sentences.append("The log holds retry lines without an error, so no cause can be named.")
    else:
        deepest = deepest_of(cause.failure.chain) or cause.failure.text
        lead = "Deepest cause in the evidence" if cause.is_established else "The error does not say who is to blame"
        sentences.append(_ended(f"{lead}: {deepest}"))
    if cause.failure is not None and cause.is_established:
        sentences.append(_ended(explanation_of(cause.failure, rules)))
    sentences += [_ended(f"The certificate: {finding.what}") for finding in findings_to_tell(facts)]
    if facts.relations:
        sentences.append(f"The objects lead there: {path_of(facts.relations)}.")
    return " ".join(sentence for sentence in sentences if sentence)


def findings_to_tell(facts: CauseFacts) -> list[CertificateFinding]:
    """Those that say more than the message of the failure."""
    return [one for one in facts.findings if one.objects or one.finding not in _SAID_BY_THE_MESSAGE]


def _sentences_about_replicas(victims: Sequence[Victim]) -> list[str]:
    """What a snapshot says of the victims' replicas, for the first few."""
    known = [victim for victim in victims if victim.drift][:3]
    return [f"Replicas of {_place_of(victim)}: {explain(victim.drift or {})}." for victim in known]


def _ended(sentence: str) -> str:
    """The sentence with the full stop that a message of a program does not have."""
    return sentence if not sentence or sentence[-1] in ".!?" else f"{sentence}."


def _sentence_about(trouble: Trouble, victims: Sequence[Victim]) -> str:
    counts = [victim.retries for victim in victims if victim.retries is not None]
    since = min(victim.stuck_since_at for victim in victims)
    is_estimate = any(victim.stuck_since_is_estimate and victim.stuck_since_at == since for victim in victims)
    state = "In trouble" if victims[0].kind == "controller" else "Stuck"
    about = "about " if is_estimate else ""
    lasted = f"since {about}{moment_text(since)}"
    if trouble.ended_at is not None:
        lasted = f"from {about}{moment_text(since)} to {moment_text(trouble.ended_at)}"
    retries = f", with up to {max(counts):,} retries" if counts else ""
    return f"{state} {lasted}{retries}."


def explanation_of(failure: Failure, rules: RuleSet) -> str:
    """What the deciding rule says about its class."""
    try:
        return rules.get(failure.rule).explanation
    except KeyError:
        return ""
