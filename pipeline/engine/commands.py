"""Commands that a person may copy into a shell: every name in them is a valid one, and quoted.

Names come from logs, and anybody who can write a message can write a name. What does not look like a name of its kind
never reaches a command or a step; the command is left out then, and the step says it in words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from pipeline.engine.api_names import group_kind_of
from pipeline.engine.causes import Cause
from pipeline.engine.culprits import Culprit
from pipeline.engine.incidents import Victim

ASSUMED_CONTROLLER_NAMESPACE = "argo-rollouts"
"""Where the manifests of Argo Rollouts put the controller; used where the log does not tell."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+-]{5,18}Z?")

PATTERNS: Mapping[str, re.Pattern[str]] = {
    "namespace": _NAME,  # of the first victim
    "name": _NAME,
    "victim_resource": _NAME,  # rollouts.argoproj.io
    "controller_namespace": _NAME,
    "webhook": _NAME,  # name of the admission webhook, not of its configuration
    "service": _ADDRESS,  # as in the URL
    "service_namespace": _NAME,
    "service_name": _NAME,
    "service_host": _NAME,  # name.namespace.svc
    "service_port": re.compile(r"[0-9]{1,5}"),
    "host": _HOST,
    "port": re.compile(r"[0-9]{1,5}"),
    "kind": _ADDRESS,
    "crd": _NAME,  # plural.group
    "crd_kind": _KIND,
    "group": _NAME,
    "api_service": re.compile(r"v[0-9][a-z0-9]{0,20}\.[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"),
    "resource": _NAME,  # with its group
    "object_name": _NAME,
    "object_namespace": _NAME,
    "right_namespace": _NAME,  # only where the refusal names one
    "right_resource": _NAME,  # with its group
    "subresource": re.compile(r"[a-z]{2,30}"),
    "lease_name": _NAME,
    "lease_namespace": _NAME,
    "user": _ADDRESS,
    "account_namespace": _NAME,
    "account_name": _NAME,
    "verb": re.compile(r"[a-z]{2,30}"),
    "quota": _NAME,
    "quota_namespace": _NAME,
    "policy": _NAME,
    "plugin": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9./_-]{0,251}[A-Za-z0-9])?"),
    "field": re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,252}"),
    "function": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.()*/-]{0,252}"),
    "clock": _TIME,
    "not_before": _TIME,
    "not_after": _TIME,
    "wanted_name": _HOST,
}
"""What may stand in braces in a command or a step, and what its value has to look like."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_FIELD = re.compile(r"\b((?:spec|status|metadata)(?:\.[A-Za-z]\w*|\[\d{1,4}\])+): ")
_RIGHT = re.compile(
    r'cannot \S{1,30} (?:sub)?resource "([a-z0-9-]{1,63})(?:/([a-z]{2,30}))?" in API group "([a-z0-9.-]{0,253})"'
)
_RESOURCES = {
    "rollout": "rollouts.argoproj.io",
    "experiment": "experiments.argoproj.io",
    "analysisrun": "analysisruns.argoproj.io",
    "service": "services",
    "ingress": "ingresses.networking.k8s.io",
}


def placeholders_of(template: str) -> list[str]:
    """The names in braces, in order. Other braces (jsonpath, awk, go-template) are not ours and stay as they are."""
    return [name for name in _PLACEHOLDER.findall(template) if name in PATTERNS]


def fill_command(template: str, names: Mapping[str, str]) -> str | None:
    """The command with its names, each quoted; None where a name is missing or is no valid one."""
    filled = template
    for placeholder in placeholders_of(template):
        value = names.get(placeholder, "")
        if not PATTERNS[placeholder].fullmatch(value):
            return None
        filled = filled.replace("{" + placeholder + "}", shlex.quote(value))
    return filled


def fill_words(template: str, names: Mapping[str, str], fallbacks: Mapping[str, str]) -> str:
    """The sentence with its names; where there is no valid one, a word for it."""

    def word(match: re.Match[str]) -> str:
        value = names.get(match[1], "")
        if match[1] not in PATTERNS:
            return match[0]
        if PATTERNS[match[1]].fullmatch(value):
            return value
        return fallbacks.get(match[1], f"the {match[1].replace('_', ' ')}")

    return _PLACEHOLDER.sub(word, template)


def names_for_commands(cause: Cause, victim: Victim, controller_namespace: str | None) -> dict[str, str]:
    """Every name that is known, not validated yet; a name that is not known is left out."""
    names: dict[str, str | None] = {
        "controller_namespace": controller_namespace or ASSUMED_CONTROLLER_NAMESPACE,
        "namespace": victim.namespace,
        "name": victim.name,
        "victim_resource": _RESOURCES.get(victim.kind),
    }
    names |= _names_of_failure(cause)
    names |= _names_of_object(cause, victim)
    names |= _names_of_api(cause)
    if cause.culprit is not None:
        names |= _names_of_culprit(cause.culprit)
    return {name: value for name, value in names.items() if value}


def _names_of_failure(cause: Cause) -> dict[str, str | None]:
    failure = cause.failure
    if failure is None:
        return {}
    field = _FIELD.search(failure.text)
    certificate = failure.certificate
    return {
        "webhook": failure.webhook,
        "service": failure.service,
        "kind": failure.kind,
        "user": failure.user,
        "verb": failure.verb,
        "quota": failure.quota,
        "policy": failure.policy,
        "plugin": failure.plugin,
        "function": failure.location,
        "field": field[1] if field else None,
        "clock": certificate.clock if certificate else None,
        "not_before": certificate.not_before if certificate else None,
        "not_after": certificate.not_after if certificate else None,
        "wanted_name": certificate.wanted_name if certificate else None,
        **_host_and_port(failure.service or ""),
    }


def _host_and_port(address: str) -> dict[str, str | None]:
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit():
        return {"host": host, "port": port}
    return {"host": address, "port": "443" if address else None}


def _names_of_object(cause: Cause, victim: Victim) -> dict[str, str | None]:
    """The object that the message names; it is looked for beside the victim where the message gives no namespace."""
    named = cause.failure.named_object if cause.failure is not None else None
    if named is None:
        return {}
    is_lease = named.resource.startswith("leases")
    right = _RIGHT.search(cause.failure.text) if cause.failure is not None else None
    return {
        "resource": named.resource,
        "object_name": named.name,
        "object_namespace": named.namespace or victim.namespace,
        "right_namespace": named.namespace,
        "right_resource": ".".join(filter(None, (right[1], right[3]))) if right else named.resource,
        "subresource": right[2] if right else None,
        "lease_name": named.name if is_lease else None,
        "lease_namespace": named.namespace if is_lease else None,
    }


def _names_of_api(cause: Cause) -> dict[str, str | None]:
    """Group, kind and CRD that the message is about."""
    failure = cause.failure
    if failure is None:
        return {}
    names: dict[str, str | None] = {}
    resource = failure.named_object.resource if failure.named_object is not None else ""
    if "." in resource and "/" not in resource:
        names |= {"crd": resource, "group": resource.partition(".")[2]}
    if failure.api_group is not None:
        group, _, version = failure.api_group.partition("/")
        names |= {"group": group, "api_service": f"{version}.{group}" if version else None}
    if failure.kind is not None:
        kind, _, group = group_kind_of(failure.kind).partition(".")
        names |= {"crd_kind": kind}
        names |= {"group": group} if group else {}
    return names


def _names_of_culprit(culprit: Culprit) -> dict[str, str | None]:
    match culprit.kind:
        case "Service" if not culprit.namespace:
            return {"service_name": culprit.name}
        case "Service":
            return {
                "service_namespace": culprit.namespace,
                "service_name": culprit.name,
                "service_host": f"{culprit.name}.{culprit.namespace}.svc",
                "service_port": _host_and_port(culprit.host)["port"] or "443",
            }
        case "Endpoint" | "APIServer" if culprit.host:
            return _host_and_port(culprit.host)
        case "ServiceAccount":
            return {"account_namespace": culprit.namespace, "account_name": culprit.name}
        case "ResourceQuota" | "LimitRange":
            return {"quota_namespace": culprit.namespace}
        case "CustomResourceDefinition" if culprit.name.islower() and "." in culprit.name:
            return {"crd": culprit.name, "group": culprit.name.partition(".")[2]}
        case _:
            return {}
