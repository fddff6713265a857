"""Missing rights in sentences: one for each right, wherever it is missing."""

from __future__ import annotations

import pytest

from pipeline.sources.objects.refusals import SHOWN, Refusal, sentences

RULE = '{apiGroups: ["apps"], resources: ["replicasets"], verbs: ["list", "watch"]}'
LEASES = '{apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["list", "watch"]}'
SETS = "replicasets.apps may not be read"

CASES: dict[str, tuple[list[Refusal], list[str]]] = {
    "nothing": ([], []),
    "everywhere": (
        [Refusal("replicasets.apps", RULE)],
        [f"{SETS}; a ClusterRole with the rule {RULE} would allow it"],
    ),
    "in one namespace": (
        [Refusal("replicasets.apps", RULE, "shop")],
        [f"{SETS} in namespace shop; a Role there with the rule {RULE} would allow it"],
    ),
    "in several": (
        [Refusal("replicasets.apps", RULE, name) for name in ("shop", "desk", "shop")],
        [f"{SETS} in namespaces desk, shop; a Role there with the rule {RULE} would allow it"],
    ),
    "in many": (
        [Refusal("replicasets.apps", RULE, f"n{number}") for number in range(SHOWN + 2)],
        [f"{SETS} in namespaces n0, n1, n2, n3, n4 and 2 more; a Role there with the rule {RULE} would allow it"],
    ),
    "two rights": (
        [Refusal("replicasets.apps", RULE), Refusal("leases.coordination.k8s.io", LEASES)],
        [
            f"leases.coordination.k8s.io may not be read; a ClusterRole with the rule {LEASES} would allow it",
            f"{SETS}; a ClusterRole with the rule {RULE} would allow it",
        ],
    ),
    "the same of three watches": (
        [Refusal("replicasets.apps", RULE)] * 3,
        [f"{SETS}; a ClusterRole with the rule {RULE} would allow it"],
    ),
}


@pytest.mark.parametrize(("refusals", "told"), CASES.values(), ids=CASES)
def test_sentences(refusals: list[Refusal], told: list[str]) -> None:
    """Sorted, so that a change is seen."""
    assert told == list(sentences(refusals))
