"""Which evidence an incident lacks, and the exact command that gets it: only what was not read already. Pure.

Names in commands are checked and quoted; where one is no valid name, the gap is told without a command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from parsers.events import Failure
from parsers.facts.references import ServiceRef
from pipeline.engine.causes import NAMELESS_RULES, Cause
from pipeline.engine.commands import ASSUMED_CONTROLLER_NAMESPACE, fill_command
from pipeline.engine.culprits import may_be_converted
from pipeline.engine.incidents import Missing, Victim
from pipeline.engine.joins import services_behind
from pipeline.engine.phrases import moment_text
from pipeline.engine.surroundings import Surroundings

_TIMEOUTS = ("apiserver.overloaded",)
_API_SERVER = ("kube-apiserver",)


class Gap(msgspec.Struct, frozen=True):
    """What an incident without a cause looks like to somebody who looks for evidence."""

    failure: Failure | None
    victim: Victim  # the first
    controller_namespace: str
    read_from: datetime | None  # the beginning of the controller's log, None where it is not known
    services: tuple[ServiceRef, ...]  # that the failing call passes through

    @property
    def since(self) -> str:
        """The onset, for kubectl."""
        return f"--since-time={self.victim.stuck_since_at.strftime('%Y-%m-%dT%H:%M:%SZ')}"


def missing_of(
    cause: Cause, victims: Sequence[Victim], controller_namespace: str | None, around: Surroundings
) -> tuple[Missing, ...]:
    """What would establish the cause, and how to get it; nothing where it is established."""
    if cause.is_established:
        return ()
    failure, victim = cause.failure, victims[0]
    names = services_behind(failure, around.aliases, around.inventory) if failure is not None else frozenset()
    gap = Gap(
        failure=failure,
        victim=victim,
        controller_namespace=controller_namespace or ASSUMED_CONTROLLER_NAMESPACE,
        read_from=_read_from(around),
        services=tuple(
            ServiceRef(namespace, name)
            for name, _, namespace in (one.partition(".") for one in sorted(names))
            if namespace
        ),
    )
    parts = (_of_controller, _of_conversion, _of_webhooks, _of_services, _of_victim, _of_api_server)
    return tuple(missing for part in parts for missing in part(gap, around))


def _read_from(around: Surroundings) -> datetime | None:
    controllers = [origin for origin, state in around.state.origins.items() if state.is_controller]
    return min((around.state.watched_since(origin) for origin in controllers), default=None)


def _of_controller(gap: Gap, around: Surroundings) -> Iterator[Missing]:
    """The controller's own log: lines filtered out of it, or its beginning."""
    template = f"kubectl -n {{controller_namespace}} logs deployment/argo-rollouts --timestamps {gap.since}"
    command = fill_command(template, {"controller_namespace": gap.controller_namespace})
    if gap.failure is None:
        what = "the controller's error lines of the key (`syncHandler error`): only retry lines were in the log"
        yield Missing(what=what, command=command)
    elif gap.read_from is not None and gap.read_from > gap.victim.stuck_since_at:
        began, read = moment_text(gap.victim.stuck_since_at), moment_text(gap.read_from)
        what = f"the controller's log from {began} on: what was read begins at {read}, in the middle of the trouble"
        yield Missing(what=what, command=command)


def _of_conversion(gap: Gap, around: Surroundings) -> Iterator[Missing]:
    named = gap.failure.named_object if gap.failure is not None else None
    if named is None or not may_be_converted(named.resource):
        return
    plural, _, group = named.resource.partition(".")
    if around.inventory.crd(group=group, plural=plural) is None:
        what = f"the CRD {named.resource}: it says whether a conversion webhook is called, and which service that is"
        command = fill_command("kubectl get crd {crd} -o jsonpath='{.spec.conversion}'", {"crd": named.resource})
        yield Missing(what=what, command=command)


def _of_webhooks(gap: Gap, around: Surroundings) -> Iterator[Missing]:
    """Who is asked when something is written: where a time-out names nobody, it may be any of them."""
    failure = gap.failure
    is_timeout = failure is not None and (failure.rule in NAMELESS_RULES or failure.failure_class in _TIMEOUTS)
    names_object = failure is not None and failure.named_object is not None
    if not is_timeout or names_object or around.inventory.webhook_configurations():
        return
    what = "the webhook configurations: they say which webhooks are called when objects of a rollout are written"
    command = "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml"
    yield Missing(what=what, command=command)


def _of_services(gap: Gap, around: Surroundings) -> Iterator[Missing]:
    """What the Services that the call passes through say and serve."""
    for service in gap.services:
        names = {"service_namespace": service.namespace, "service_name": service.name}
        if not around.state.watched.has_log_of((service.name,)):
            what = f"the log of the pods behind the Service {service.namespace}/{service.name}"
            template = "kubectl -n {service_namespace} logs service/{service_name} --all-containers --timestamps "
            yield Missing(what=what, command=fill_command(template + gap.since, names))
        if around.inventory.ready_endpoints(service) is None:
            what = f"the endpoints of the Service {service.namespace}/{service.name}: whether any pod is ready"
            template = (
                "kubectl -n {service_namespace} get endpointslices -l kubernetes.io/service-name={service_name} -o yaml"
            )
            yield Missing(what=what, command=fill_command(template, names))
        if not around.inventory.secrets_of(service):
            what = f"the certificates of the namespace {service.namespace}, without their keys"
            template = (
                "kubectl -n {service_namespace} get secrets --field-selector type=kubernetes.io/tls "
                """-o jsonpath='{range .items[*]}{.metadata.name}{"\\t"}{.data.tls\\.crt}{"\\n"}{end}'"""
            )
            yield Missing(what=what, command=fill_command(template, names))


def _of_victim(gap: Gap, around: Surroundings) -> Iterator[Missing]:
    victim = gap.victim
    if victim.kind == "controller":
        return
    names = {"namespace": victim.namespace or "", "name": victim.name or ""}
    events = around.inventory.kubernetes_events()
    if not any(event.involved.namespace == victim.namespace for event in events):
        what = "the state and the events of a victim"
        command = fill_command(f"kubectl -n {{namespace}} describe {victim.kind} {{name}}", names)
        yield Missing(what=what, command=command)


def _of_api_server(gap: Gap, around: Surroundings) -> Iterator[Missing]:
    if around.state.watched.has_log_of(_API_SERVER):
        return
    what = "the API server's log of the same time: it names the webhook, service or storage it waited for"
    yield Missing(what=what, command=f"kubectl -n kube-system logs -l component=kube-apiserver --tail=-1 {gap.since}")
