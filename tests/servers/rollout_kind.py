"""Kinds of Argo Rollouts for an API server that has none: their CRDs, with a schema that takes everything."""

from __future__ import annotations

import time

from tests.servers.kube_cluster import KubeCluster, RefusedError

SECONDS = 240.0
_API = "/apis/argoproj.io/v1alpha1"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def install_rollouts(cluster: KubeCluster) -> None:
    """Make the CRD of Rollouts, and wait until they can be read."""
    install_kind(cluster, "Rollout")


def install_kind(cluster: KubeCluster, kind: str) -> None:
    """Make the CRD of a kind of argoproj.io, and wait until its objects can be read."""
    singular = kind.lower()
    plural = f"{singular}s"
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": {"status": {}},
    }
    names = {"kind": kind, "plural": plural, "singular": singular, "listKind": f"{kind}List"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.argoproj.io"},
        "spec": {"group": "argoproj.io", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    cluster.apply(f"{_CRDS}/{plural}.argoproj.io", crd)
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            cluster.call("GET", f"{_API}/{plural}")
        except RefusedError as error:
            if error.status != 404 or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            continue
        return
