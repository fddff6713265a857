"""What to look at, and what to do, where the numbers of a Rollout do not fit: commands with names that are checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from parsers.events import ObjectKey
from pipeline.engine.clusters import ClusterState
from pipeline.engine.commands import ASSUMED_CONTROLLER_NAMESPACE, fill_command
from pipeline.engine.drift_clock import Held
from pipeline.engine.incidents import Missing, Step
from pipeline.engine.informers import ControllerView, Verdict
from pipeline.engine.misfits import MisfitKind, Scene

_GENERATIONS: Final = (
    "kubectl -n {namespace} get rollouts.argoproj.io {name} "
    "-o jsonpath='{.metadata.generation} {.status.observedGeneration} {.metadata.resourceVersion}'"
)
_PODS: Final = "kubectl -n {namespace} get pods -l rollouts-pod-template-hash -o wide"
_SETS: Final = "kubectl -n {namespace} get replicasets -l rollouts-pod-template-hash -o wide"
_ROLLOUT: Final = "kubectl -n {namespace} get rollouts.argoproj.io {name} -o yaml"
_EVENTS: Final = "kubectl -n {namespace} describe rollouts.argoproj.io {name}"
_HPA: Final = "kubectl -n {namespace} describe horizontalpodautoscalers {object_name}"
_LOG: Final = "kubectl -n {controller_namespace} logs deployment/argo-rollouts --timestamps --since-time="
_RESTART: Final = "kubectl -n {controller_namespace} rollout restart deployment argo-rollouts"
_CONTROLLERS: Final = "kubectl get deployments -A -l app.kubernetes.io/name=argo-rollouts"


def missing_of(
    key: ObjectKey,
    scene: Scene,
    held: Sequence[Held],
    view: ControllerView | None,
    state: ClusterState,
    controller_namespace: str | None,
) -> Iterator[Missing]:
    """What would tell why, as far as it was not read already."""
    names = _names(key, scene, controller_namespace)
    kinds = {one.misfit.kind for one in held}
    since = min(one.since for one in held)
    if not any(one.is_controller for one in state.origins.values()):
        what = "the controller's log: none is read, so nobody can say what it does about this Rollout"
        yield Missing(what, _log(since, names))
    if view is not None and view.verdict is not Verdict.HAS_SEEN:
        yield Missing("generation and observedGeneration as the API server has them now", _filled(_GENERATIONS, names))
    if not scene.replica_sets or not scene.are_sets_read:
        yield Missing("the ReplicaSets of the Rollout: what they want and have", _filled(_SETS, names))
    if MisfitKind.TOO_FEW_AVAILABLE in kinds:
        yield Missing("the pods: why they are not available", _filled(_PODS, names))
    events = state.inventory().kubernetes_events()
    if not any(event.involved == scene.rollout.ref for event in events):
        yield Missing("the events of the Rollout", _filled(_EVENTS, names))


def remediation_of(key: ObjectKey, scene: Scene, held: Sequence[Held], *, is_stale: bool) -> Iterator[Step]:
    """What to look at first, what helps, and how to see that it did."""
    names = _names(key, scene, None)
    kinds = {one.misfit.kind for one in held}
    if is_stale:
        yield Step(
            "Compare the generation of the Rollout with the one its status tells of", _filled(_GENERATIONS, names)
        )
        yield Step(
            "See whether the controller is for this Rollout at all (--namespace, --instance-id)",
            _CONTROLLERS,
        )
        yield Step(
            "Restart the controller: it lists everything anew. If the Rollout is synced then, its informer was behind",
            _filled(_RESTART, names),
        )
    else:
        yield Step("Look at what the Rollout wants and what it says of itself", _filled(_ROLLOUT, names))
        yield Step("Look at what its ReplicaSets want and have", _filled(_SETS, names))
    if MisfitKind.TOO_FEW_AVAILABLE in kinds:
        yield Step("Look at the pods that are not available: pending, crashing, not ready", _filled(_PODS, names))
    if MisfitKind.AUTOSCALER_DIFFERS in kinds:
        yield Step("Look at why the HPA's number does not get into the spec", _filled(_HPA, names))
        yield Step("Look whether something else writes spec.replicas: GitOps with the field in its manifest, a person")
    yield Step("Check: the numbers fit again, and the incident is resolved by itself")


def _names(key: ObjectKey, scene: Scene, controller_namespace: str | None) -> dict[str, str]:
    return {
        "namespace": key.namespace,
        "name": key.name,
        "object_name": scene.hpa.ref.name if scene.hpa is not None else "",
        "controller_namespace": controller_namespace or ASSUMED_CONTROLLER_NAMESPACE,
    }


def _filled(template: str, names: dict[str, str]) -> str | None:
    return fill_command(template, names)


def _log(since: datetime, names: dict[str, str]) -> str | None:
    return fill_command(f"{_LOG}{since.strftime('%Y-%m-%dT%H:%M:%SZ')}", names)
