"""What the name of a pod tells: whose pod it is, and as which host its processes see themselves."""

from __future__ import annotations

import re

_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes names of. Source: k8s.io/apimachinery v0.30 pkg/util/rand/rand.go."""
_OF_REPLICA_SET = re.compile(rf"(?P<workload>.+)-{_RANDOM}{{1,10}}-{_RANDOM}{{5}}")
_OF_STATEFUL_SET = re.compile(r"(?P<workload>.+)-\d{1,4}")
MAX_HOST_CHARS = 63
"""Of a longer name the host name is cut. Source: kubernetes v1.30 pkg/kubelet/kubelet_pods.go."""


def workload_of(pod: str) -> str:
    """The Deployment or StatefulSet whose pod it is, by its name; empty: the name does not look like one of theirs."""
    match = _OF_REPLICA_SET.fullmatch(pod) or _OF_STATEFUL_SET.fullmatch(pod)
    return match["workload"] if match else ""


def host_of(pod: str) -> str:
    """The host name within a pod that does not use the network of its node."""
    return pod[:MAX_HOST_CHARS].rstrip("-.")
