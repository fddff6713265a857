"""Calls in the words of URLs, of RBAC and of people."""

from __future__ import annotations

import pytest

from pipeline.cluster.calls import Call, CallError, Reason

PODS = Call("list", "pods")
LOG = Call("get", "pods/log", "shop", "web-1")
ROLLOUTS = Call("watch", "rollouts", "shop", group="argoproj.io", version="v1alpha1")
CRDS = Call("list", "customresourcedefinitions", group="apiextensions.k8s.io")
SECRET = Call("get", "secrets", "tools", "guard-tls")

WORDS: dict[str, tuple[Call, str, str, str]] = {
    "of the core": (
        PODS,
        "/api/v1/pods",
        '{apiGroups: [""], resources: ["pods"], verbs: ["list"]}',
        "list pods in all namespaces",
    ),
    "below an object": (
        LOG,
        "/api/v1/namespaces/shop/pods/web-1/log",
        '{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}',
        "get pods/log web-1 in namespace shop",
    ),
    "of a group": (
        ROLLOUTS,
        "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts",
        '{apiGroups: ["argoproj.io"], resources: ["rollouts"], verbs: ["watch"]}',
        "watch rollouts.argoproj.io in namespace shop",
    ),
    "of the cluster": (
        CRDS,
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        '{apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"], verbs: ["list"]}',
        "list customresourcedefinitions.apiextensions.k8s.io in all namespaces",
    ),
    "of one object": (
        SECRET,
        "/api/v1/namespaces/tools/secrets/guard-tls",
        '{apiGroups: [""], resources: ["secrets"], verbs: ["get"]}',
        "get secrets guard-tls in namespace tools",
    ),
}


@pytest.mark.parametrize(("call", "path", "rule", "words"), WORDS.values(), ids=WORDS)
def test_words(call: Call, path: str, rule: str, words: str) -> None:
    """One call, three readers."""
    assert (path, rule, words) == (call.path, call.rule, str(call))


SENTENCES: dict[str, tuple[CallError, str]] = {
    "a right that is missing in a namespace": (
        CallError("eu-1", LOG, Reason.FORBIDDEN, "pods is forbidden", 403),
        (
            "cluster eu-1: cannot get pods/log web-1 in namespace shop: pods is forbidden; a Role with the rule "
            '{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]} would allow it'
        ),
    ),
    "a right that is missing everywhere": (
        CallError("eu-1", PODS, Reason.FORBIDDEN, "pods is forbidden", 403),
        (
            "cluster eu-1: cannot list pods in all namespaces: pods is forbidden; a ClusterRole with the rule "
            '{apiGroups: [""], resources: ["pods"], verbs: ["list"]} would allow it'
        ),
    ),
    "nobody, who is to be given no rights": (
        CallError("eu-1", PODS, Reason.FORBIDDEN, 'User "system:anonymous" cannot list resource "pods"', 403),
        (
            'cluster eu-1: cannot list pods in all namespaces: User "system:anonymous" cannot list resource "pods"; '
            "no credentials were given: see the user in the kubeconfig"
        ),
    ),
    "the right to ask as somebody": (
        CallError(
            "eu-1",
            PODS,
            Reason.FORBIDDEN,
            'users "jane" is forbidden: User "joe" cannot impersonate resource "users" in API group "" at the '
            "cluster scope",
            403,
        ),
        (
            'cluster eu-1: cannot list pods in all namespaces: users "jane" is forbidden: User "joe" cannot '
            'impersonate resource "users" in API group "" at the cluster scope; a ClusterRole with the '
            'rule {apiGroups: [""], resources: ["users"], verbs: ["impersonate"]} would allow it'
        ),
    ),
    "credentials that are not taken": (
        CallError("eu-1", PODS, Reason.UNAUTHORIZED, "Unauthorized", 401),
        (
            "cluster eu-1: cannot list pods in all namespaces: the API server does not accept the credentials: "
            "Unauthorized"
        ),
    ),
    "an outage": (
        CallError("eu-1", PODS, Reason.UNREACHABLE, "connection refused"),
        "cluster eu-1: cannot list pods in all namespaces: connection refused",
    ),
}


@pytest.mark.parametrize(("error", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_sentences(error: CallError, sentence: str) -> None:
    """Which call, on what, why, and the rule that would help."""
    assert sentence == str(error)
