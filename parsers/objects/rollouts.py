"""Rollouts of argoproj.io.

Source: argo-rollouts v1.7.1, pkg/apis/rollouts/v1alpha1/types.go; `status.HPAReplicas` is written with capitals there,
and `status.observedGeneration` is a string.
"""

from __future__ import annotations

from collections.abc import Iterator

from parsers.facts.analysis_runs import ENDED_BADLY
from parsers.facts.references import ObjectRef
from parsers.facts.rollouts import AnalysisVerdict, RolloutFacts
from parsers.objects.members import (
    Object,
    changed_at_of,
    conditions_at,
    created_at_of,
    flag_at,
    generation_of,
    labels_at,
    message_at,
    number_at,
    object_at,
    objects_at,
    own_annotations_of,
    ref_of,
    share_at,
    text_at,
    time_at,
)
from parsers.objects.traffic_routing import read_traffic

_SERVICES = ("stableService", "activeService", "canaryService", "previewService")
_VERDICTS = (
    ("canary", "currentStepAnalysisRunStatus"),
    ("canary", "currentBackgroundAnalysisRunStatus"),
    ("blueGreen", "prePromotionAnalysisRunStatus"),
    ("blueGreen", "postPromotionAnalysisRunStatus"),
)
"""Where a status names the AnalysisRuns of now."""


def read_rollout(document: Object) -> RolloutFacts:
    """Read a Rollout."""
    ref = ref_of(document)
    spec, status = object_at(document, "spec"), object_at(document, "status")
    name = next((name for name in ("canary", "blueGreen") if name in object_at(spec, "strategy")), "")
    strategy = object_at(spec, "strategy", name)
    routing = object_at(strategy, "trafficRouting")
    steps, index = objects_at(strategy, "steps"), number_at(status, "currentStepIndex")
    scale = _newest(steps, index, "setCanaryScale")
    pauses = objects_at(status, "pauseConditions")
    return RolloutFacts(
        ref=ref,
        generation=generation_of(document),
        observed_generation=number_at(status, "observedGeneration"),
        created_at=created_at_of(document),
        changed_at=changed_at_of(document),
        desired=number_at(spec, "replicas"),
        current=number_at(status, "replicas"),
        available=number_at(status, "availableReplicas"),
        ready=number_at(status, "readyReplicas"),
        updated=number_at(status, "updatedReplicas"),
        hpa_replicas=number_at(status, "HPAReplicas"),
        phase=text_at(status, "phase"),
        message=message_at(status, "message"),
        is_paused=flag_at(spec, "paused") or bool(pauses),
        is_controller_pause=flag_at(status, "controllerPause"),
        is_aborted=flag_at(status, "abort"),
        is_promoting_full=flag_at(status, "promoteFull"),
        is_deleting=bool(text_at(document, "metadata", "deletionTimestamp")),
        strategy=name,
        step_index=index,
        step_count=len(steps),
        step_weight=_weight_of(steps, index),
        max_surge=share_at(strategy, "maxSurge"),
        max_unavailable=share_at(strategy, "maxUnavailable"),
        scale_down_delay_seconds=number_at(strategy, "scaleDownDelaySeconds"),
        progress_deadline_seconds=number_at(spec, "progressDeadlineSeconds"),
        min_pods_per_replica_set=number_at(strategy, "minPodsPerReplicaSet"),
        has_traffic_routing=bool(routing),
        dynamic_stable_scale=flag_at(strategy, "dynamicStableScale"),
        workload_ref=_workload_of(spec, ref.namespace),
        canary_scale_replicas=number_at(scale, "replicas"),
        canary_scale_weight=number_at(scale, "weight"),
        pause_reasons=tuple(reason for pause in pauses if (reason := text_at(pause, "reason"))),
        traffic=read_traffic(routing, ref.name),
        services=tuple(service for member in _SERVICES if (service := text_at(strategy, member))),
        annotations=own_annotations_of(document),
        pod_labels=labels_at(spec, "template", "metadata", "labels"),
        stable_hash=text_at(status, "stableRS") or text_at(status, "blueGreen", "activeSelector"),
        current_hash=text_at(status, "currentPodHash"),
        conditions=conditions_at(status, "conditions"),
        aborted_at=time_at(status, "abortedAt"),
        paused_at=min((at for pause in pauses if (at := time_at(pause, "startTime")) is not None), default=None),
        verdicts=tuple(_verdicts_of(status)),
    )


def _verdicts_of(status: Object) -> Iterator[AnalysisVerdict]:
    for path in _VERDICTS:
        verdict = object_at(status, *path)
        run, phase = text_at(verdict, "name"), text_at(verdict, "status")
        if run and phase in ENDED_BADLY:
            yield AnalysisVerdict(run, phase, message_at(verdict, "message"))


def _workload_of(spec: Object, namespace: str) -> ObjectRef | None:
    name = text_at(spec, "workloadRef", "name")
    return ObjectRef(text_at(spec, "workloadRef", "kind"), namespace, name) if name else None


def _weight_of(steps: tuple[Object, ...], index: int | None) -> int | None:
    """The controller's own reckoning (GetCurrentSetWeight): 100 behind the last step, 0 before the first weight."""
    if not steps or index is None:
        return None
    if index >= len(steps):
        return 100
    weights = (number_at(step, "setWeight") for step in reversed(steps[: max(index, 0) + 1]))
    return next((weight for weight in weights if weight is not None), 0)


def _newest(steps: tuple[Object, ...], index: int | None, member: str) -> Object:
    if index is None or not 0 <= index < len(steps):
        return {}
    return next((object_at(step, member) for step in reversed(steps[: index + 1]) if member in step), {})
