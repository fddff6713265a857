"""Rollouts for an API server that has no Argo Rollouts: their CRD, with a schema that takes everything."""

from __future__ import annotations

import time

from tests.servers.kube_cluster import KubeCluster, RefusedError

SECONDS = 60.0
_API = "/apis/argoproj.io/v1alpha1"
_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rollouts.argoproj.io"


def install_rollouts(cluster: KubeCluster) -> None:
    """Make the CRD, and wait until its objects can be read."""
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": {"status": {}},
    }
    names = {"kind": "Rollout", "plural": "rollouts", "singular": "rollout", "listKind": "RolloutList"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {"group": "argoproj.io", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    cluster.apply(_CRD, crd)
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            cluster.call("GET", f"{_API}/rollouts")
        except RefusedError as error:
            if error.status != 404 or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            continue
        return
