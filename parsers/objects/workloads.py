"""ReplicaSets and Pods: who owns them, how many there are, whether they run.

Sources: k8s.io/api v0.30 apps/v1 and core/v1; argo-rollouts v1.7.1 types.go for the label and the annotations.
"""

from __future__ import annotations

from datetime import datetime

from parsers.facts.workloads import PodFacts, ReplicaSetFacts
from parsers.objects.members import (
    Object,
    conditions_at,
    controller_of,
    created_at_of,
    labels_at,
    number_at,
    object_at,
    objects_at,
    ref_of,
    text_at,
    time_at,
)

_HASH_LABELS = ("rollouts-pod-template-hash", "pod-template-hash")
_REVISION_ANNOTATIONS = ("rollout.argoproj.io/revision", "deployment.kubernetes.io/revision")
_DEADLINE_ANNOTATION = "scale-down-deadline"


def read_replica_set(document: Object) -> ReplicaSetFacts:
    """Read a ReplicaSet."""
    spec, status = object_at(document, "spec"), object_at(document, "status")
    metadata = object_at(document, "metadata")
    return ReplicaSetFacts(
        ref=ref_of(document),
        owner=controller_of(document),
        template_hash=_first_text(metadata, "labels", _HASH_LABELS),
        revision=_first_text(metadata, "annotations", _REVISION_ANNOTATIONS),
        created_at=created_at_of(document),
        desired=number_at(spec, "replicas"),
        current=number_at(status, "replicas"),
        ready=_count_at(status, "readyReplicas"),
        available=_count_at(status, "availableReplicas"),
        is_scaling_down_at=time_at(metadata, "annotations", _DEADLINE_ANNOTATION),
        pod_labels=labels_at(spec, "template", "metadata", "labels"),
        conditions=conditions_at(status, "conditions"),
    )


def read_pod(document: Object) -> PodFacts:
    """Read a Pod."""
    status = object_at(document, "status")
    containers = objects_at(status, "containerStatuses") + objects_at(status, "initContainerStatuses")
    ready = next((one for one in conditions_at(status, "conditions") if one.type == "Ready"), None)
    reasons = (text_at(container, "state", "waiting", "reason") for container in containers)
    return PodFacts(
        ref=ref_of(document),
        owner=controller_of(document),
        labels=labels_at(document, "metadata", "labels"),
        phase=text_at(status, "phase"),
        is_ready=ready is not None and ready.status == "True",
        started_at=time_at(status, "startTime"),
        restarts=sum(number_at(container, "restartCount") or 0 for container in containers),
        last_restart_at=_last_restart_of(containers),
        waiting_reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
    )


def _last_restart_of(containers: tuple[Object, ...]) -> datetime | None:
    """When a container that was restarted came up last: its predecessor has ended before."""
    restarted = [container for container in containers if number_at(container, "restartCount")]
    times = [time_at(container, "state", "running", "startedAt") for container in restarted]
    times += [time_at(container, "lastState", "terminated", "finishedAt") for container in restarted]
    return max((at for at in times if at is not None), default=None)


def _count_at(status: Object, member: str) -> int | None:
    """A count that is left out of the status where it is zero."""
    count = number_at(status, member)
    return 0 if count is None and number_at(status, "replicas") is not None else count


def _first_text(metadata: Object, member: str, names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := text_at(metadata, member, name))), "")
