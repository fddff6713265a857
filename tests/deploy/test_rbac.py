"""The RBAC manifests: exactly the rights that docs/kubernetes.md names, which are those that the code asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.sources.objects.kinds import KINDS

ROOT = Path(__file__).parents[2]
RBAC = ROOT / "deploy" / "rbac"
PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
Right = tuple[str, str, str]
"""Group, resource and verb."""


def rights_of(rules: Iterable[Mapping[str, Any]]) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((RBAC / name).read_text(encoding="utf-8")))


def rules_in(name: str, kind: str = "", namespace: str = "") -> list[dict[str, Any]]:
    """Of all roles, or of those of a kind or namespace."""
    roles = [one for one in documents(name) if one["kind"] in ("Role", "ClusterRole")]
    chosen = [one for one in roles if kind in ("", one["kind"])]
    return [rule for one in chosen if namespace in ("", one["metadata"].get("namespace")) for rule in one["rules"]]


DOCUMENTED = rights_of(
    yaml.safe_load(rule)
    for line in PAGE.splitlines()
    if line.startswith("|")
    for rule in re.findall(r"`(\{.*?\})`", line)
)
IMPERSONATION = {("", "users", "impersonate")}
OBJECTS = rights_of(
    {"apiGroups": [kind.group], "resources": [kind.plural], "verbs": ["list", "watch"]} for kind in KINDS
)


def test_manifest_of_a_cluster_is_what_is_documented() -> None:
    """But for the right to be somebody else, which nobody has by accident."""
    assert DOCUMENTED - IMPERSONATION == rights_of(rules_in("cluster.yaml"))


def test_documented_rights_are_those_of_the_watched_kinds() -> None:
    """And those of pods and their logs."""
    others = {right for right in DOCUMENTED if right[1] in ("pods", "pods/log", "deployments")}

    assert OBJECTS | others | IMPERSONATION == DOCUMENTED


def test_manifest_of_namespaces_has_the_same() -> None:
    """In Roles what lies in a namespace, in a ClusterRole the rest."""
    cluster = {(kind.group, kind.plural) for kind in KINDS if not kind.is_namespaced}
    granted = rights_of(rules_in("namespaces.yaml", "ClusterRole"))

    assert rights_of(rules_in("cluster.yaml")) == rights_of(rules_in("namespaces.yaml"))
    assert cluster == {right[:2] for right in granted}
    assert rights_of(rules_in("namespaces.yaml", namespace="shop")) == rights_of(
        rules_in("namespaces.yaml", namespace="tools")
    )


@pytest.mark.parametrize("name", ["cluster.yaml", "namespaces.yaml", "secrets.yaml"])
def test_nothing_can_be_changed_and_no_secret_be_listed(name: str) -> None:
    """Whatever is added later."""
    for rule in rules_in(name):
        assert set(rule["verbs"]) <= {"get", "list", "watch"}
        assert "*" not in (*rule["apiGroups"], *rule["resources"])
        assert "secrets" not in rule["resources"] or (rule["verbs"], bool(rule["resourceNames"])) == (["get"], True)


@pytest.mark.parametrize("name", ["cluster.yaml", "namespaces.yaml", "secrets.yaml"])
def test_every_role_is_bound_to_the_service_account(name: str) -> None:
    """And no role that is not there."""
    found = documents(name)
    roles = {
        (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")) for one in found if "rules" in one
    }
    bound = {
        (one["roleRef"]["kind"], one["roleRef"]["name"], one["metadata"].get("namespace"))
        for one in found
        if "roleRef" in one
    }
    subjects = [one["subjects"] for one in found if "subjects" in one]

    assert roles == bound
    assert all(each == [{"kind": "ServiceAccount", "name": "whystuck", "namespace": "whystuck"}] for each in subjects)
