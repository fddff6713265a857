"""What to do about a Rollout that an AnalysisRun has ended or holds: commands with names that are checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parsers.events import ObjectKey
from pipeline.engine.analysis_halts import Halt
from pipeline.engine.commands import fill_command
from pipeline.engine.incidents import Step

_RUN: Final = "kubectl -n {namespace} get analysisruns.argoproj.io {object_name} -o yaml"
_RUNS: Final = "kubectl -n {namespace} get analysisruns.argoproj.io"
_ROLLOUT: Final = "kubectl argo rollouts -n {namespace} get rollout {name}"
_RETRY: Final = "kubectl argo rollouts -n {namespace} retry rollout {name}"
_UNDO: Final = "kubectl argo rollouts -n {namespace} undo {name}"
_PROMOTE: Final = "kubectl argo rollouts -n {namespace} promote {name}"
_ABORT: Final = "kubectl argo rollouts -n {namespace} abort {name}"


def remediation_of(key: ObjectKey, halt: Halt) -> Iterator[Step]:
    """What to look at, what decides, and how to see that it did."""
    names = {"namespace": key.namespace, "name": key.name, "object_name": halt.run.name if halt.run is not None else ""}
    look = fill_command(_RUN, names) or fill_command(_RUNS, names)
    yield Step("Look at what was measured, and at what the provider of the metric said", look)
    if halt.phase == "Error":
        yield Step("Repair the query, the address or the key in the AnalysisTemplate, or the provider that it asks")
    if halt.is_abort:
        yield Step("If the new version is good, or the measurement is repaired: retry", fill_command(_RETRY, names))
        yield Step("If it is bad: go back, or deploy another one", fill_command(_UNDO, names))
    else:
        yield Step("If the new version is good: promote it", fill_command(_PROMOTE, names))
        yield Step("If it is bad: abort the update", fill_command(_ABORT, names))
    yield Step("Check: the Rollout goes on, and the incident is resolved by itself", fill_command(_ROLLOUT, names))
