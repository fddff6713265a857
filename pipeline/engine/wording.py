"""The words of an incident: title, summary, steps, timeline. They say what the records say, and no more."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from parsers.events import Failure
from parsers.rules.model import RuleSet
from pipeline.engine.causes import Cause, plural_of
from pipeline.engine.culprits import may_be_converted
from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import Missing, Step, Victim

_VALID_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_VALID_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._@-]{0,251}")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

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
    "webhook.conversion_failed": "conversion of {culprit} fails",
    "webhook.admission_unreachable": "admission webhook {culprit} cannot be reached",
    "webhook.admission_denied": "{culprit} denies the change",
    "webhook.timeout": "webhook {culprit} does not answer in time",
    "webhook.no_endpoints": "webhook {culprit} has no endpoints",
    "apiserver.unreachable": "{culprit} cannot be reached",
    "apiserver.overloaded": "{culprit} does not answer in time",
    "apiserver.unauthorized": "{culprit} does not accept the controller's credentials",
    "rbac.forbidden": "{culprit} lacks a right",
    "crd.missing": "the API of {culprit} is not installed or not served",
    "crd.schema": "{culprit} does not fit its schema",
    "conflict": "{culprit} is changed by another writer all the time",
    "spec.invalid": "the spec of {culprit} is invalid",
    "object.not_found": "{culprit} does not exist",
    "quota": "quota {culprit} is used up",
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


def title_of(trouble: Trouble, victims: Sequence[Victim]) -> str:
    """One line: who is stuck, and why."""
    who = _who(victims)
    cause = trouble.cause
    if not cause.is_established or cause.failure is None:
        return f"{who}: cause not established"
    what = _WHAT_HAPPENED.get(cause.failure_class, f"{cause.failure_class} at {{culprit}}")
    return f"{who}: {what.format(culprit=name_of_culprit(cause))}"


def _who(victims: Sequence[Victim]) -> str:
    keys = [victim for victim in victims if victim.kind != "controller"]
    if not keys:
        return "Argo Rollouts controller in trouble"
    if len(keys) == 1:
        return f"{keys[0].kind} {keys[0].namespace}/{keys[0].name} is stuck"
    kinds = {victim.kind for victim in keys}
    noun = plural_of(keys[0].kind) if len(kinds) == 1 else "objects"
    return f"{len(keys)} {noun} are stuck"


def name_of_culprit(cause: Cause) -> str:
    """The culprit as a person would call it."""
    culprit = cause.culprit
    if culprit is None:
        return "an unknown party"
    match culprit.kind:
        case "Service":
            return f"{culprit.name}.{culprit.namespace}.svc"
        case "APIServer":
            return f"the API server {culprit.host}".strip()
        case "Endpoint":
            return culprit.host
        case "Function":
            return culprit.name
        case "Controller":
            return "the controller"
        case _:
            place = f"{culprit.namespace}/{culprit.name}" if culprit.namespace else culprit.name
            return f"{culprit.kind} {place}".strip()


def summary_of(trouble: Trouble, victims: Sequence[Victim], rules: RuleSet) -> str:
    """Some sentences for a person who knows nothing yet."""
    cause = trouble.cause
    sentences = [_sentence_about(victims)]
    if cause.failure is None:
        sentences.append("The log holds no error of these keys, so no cause can be named.")
    elif not cause.is_established:
        sentences.append(f"Their error names nobody: {cause.failure.chain[-1] if cause.failure.chain else cause.failure.text}")
    else:
        sentences.append(f"Deepest cause in the evidence: {cause.failure.chain[-1] if cause.failure.chain else cause.failure.text}")
        explanation = explanation_of(cause.failure, rules)
        if explanation:
            sentences.append(explanation)
    return " ".join(sentences)


def _sentence_about(victims: Sequence[Victim]) -> str:
    counts = [victim.retries for victim in victims if victim.retries is not None]
    since = min(victim.stuck_since_at for victim in victims)
    is_estimate = any(victim.stuck_since_is_estimate and victim.stuck_since_at == since for victim in victims)
    about = "about " if is_estimate else ""
    retries = f", up to {max(counts)} retries" if counts else ""
    return f"Stuck since {about}{_short(since)}{retries}."


def _short(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def explanation_of(failure: Failure, rules: RuleSet) -> str:
    """What the deciding rule says about its class."""
    try:
        return rules.get(failure.rule).explanation
    except KeyError:
        return ""


def remediation_of(cause: Cause, victims: Sequence[Victim], rules: RuleSet) -> tuple[Step, ...]:
    """What to do, in order; commands only where every name in them is a valid one."""
    if cause.failure is None or not cause.is_established:
        return ()
    try:
        steps = rules.get(cause.failure.rule).remediation
    except KeyError:
        return ()
    names = _names_for_commands(cause, victims)
    result = []
    for step in steps:
        text = _PLACEHOLDER.sub(lambda match: names.get(match[1], match[1].replace("_", " ")), step.step)
        result.append(Step(step=text, command=fill_command(step.command, names) if step.command else None))
    return tuple(result)


def _names_for_commands(cause: Cause, victims: Sequence[Victim]) -> dict[str, str]:
    failure = cause.failure
    assert failure is not None
    culprit = cause.culprit
    named = failure.named_object
    first = victims[0]
    names = {
        "namespace": first.namespace or "",
        "name": first.name or "",
        "webhook": failure.webhook or "",
        "service": failure.service or "",
        "service_name": culprit.name if culprit and culprit.kind == "Service" else "",
        "service_namespace": culprit.namespace if culprit and culprit.kind == "Service" else "",
        "kind": failure.kind or "",
        "resource": named.resource if named else "",
        "user": failure.user or "",
        "verb": failure.verb or "",
        "quota": failure.quota or "",
        "host": (failure.service or "").rpartition(":")[0] or failure.service or "",
    }
    return {name: value for name, value in names.items() if value}


def fill_command(template: str, names: Mapping[str, str]) -> str | None:
    """The command with its names, each quoted; None where a name is missing or is no valid Kubernetes name."""
    filled = template
    for placeholder in _PLACEHOLDER.findall(template):
        value = names.get(placeholder, "")
        pattern = _VALID_USER if placeholder in ("user", "service", "host", "kind", "verb") else _VALID_NAME
        if not pattern.fullmatch(value):
            return None
        filled = filled.replace("{" + placeholder + "}", shlex.quote(value))
    return filled


def missing_of(cause: Cause, victims: Sequence[Victim]) -> tuple[Missing, ...]:
    """What would establish the cause, and how to get it."""
    if cause.is_established:
        return ()
    first = victims[0]
    names = {"namespace": first.namespace or "", "name": first.name or "", "kind": first.kind}
    missing = []
    if cause.failure is None:
        what = "the controller's error lines of the key (`syncHandler error`): only retry lines were in the log"
        command = "kubectl -n argo-rollouts logs deployment/argo-rollouts --since=15m --timestamps"
        missing.append(Missing(what=what, command=command))
    named = cause.failure.named_object if cause.failure is not None else None
    if named is not None and may_be_converted(named.resource):
        what = f"whether {named.resource} has a conversion webhook, and which service serves it"
        command = fill_command("kubectl get crd {crd} -o jsonpath='{..spec.conversion}'".replace("{..", "{{.."), {"crd": named.resource})
        missing.append(Missing(what=what, command=_plain(command)))
    missing.append(
        Missing(
            what="the state and the events of a victim",
            command=fill_command("kubectl -n {namespace} describe {kind} {name}", names),
        )
    )
    what = "the API server's log of the same time: it names the webhook, service or storage it waited for"
    missing.append(Missing(what=what, command="kubectl -n kube-system logs -l component=kube-apiserver --since=15m"))
    return tuple(missing)


def _plain(command: str | None) -> str | None:
    return command.replace("{{..", "{..") if command else None


def age_text(since: datetime, until: datetime) -> str:
    """How long, for people."""
    seconds = int(max(timedelta(0), until - since).total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
