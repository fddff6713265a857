"""HorizontalPodAutoscalers of every version.

Source: k8s.io/api v0.30 autoscaling/v1, v2beta1, v2beta2 and v2. v1 keeps the conditions as JSON in an annotation.
"""

from __future__ import annotations

import msgspec

from parsers.facts.autoscalers import HpaFacts
from parsers.facts.references import ObjectRef
from parsers.objects.members import Object, conditions_at, number_at, object_at, ref_of, text_at, time_at

_V1_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"


def read_autoscaler(document: Object) -> HpaFacts:
    """Read a HorizontalPodAutoscaler."""
    ref = ref_of(document)
    spec, status = object_at(document, "spec"), object_at(document, "status")
    target = object_at(spec, "scaleTargetRef")
    return HpaFacts(
        ref=ref,
        target=ObjectRef(text_at(target, "kind"), ref.namespace, text_at(target, "name")),
        minimum=number_at(spec, "minReplicas"),
        maximum=number_at(spec, "maxReplicas"),
        current=number_at(status, "currentReplicas"),
        desired=number_at(status, "desiredReplicas"),
        last_scale_at=time_at(status, "lastScaleTime"),
        conditions=conditions_at(status, "conditions") or conditions_at(_v1_conditions(document), "conditions"),
    )


def _v1_conditions(document: Object) -> Object:
    annotation = object_at(document, "metadata", "annotations").get(_V1_CONDITIONS)
    if not isinstance(annotation, str):
        return {}
    try:
        return {"conditions": msgspec.json.decode(annotation)}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
