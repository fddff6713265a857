"""Kubeconfigs as people have them, and what is said where one cannot be used. Nothing is asked of any server."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from pipeline.cluster.connection import KubeCluster
from pipeline.cluster.credentials import token_of
from pipeline.cluster.settings import ClusterSettings
from pipeline.errors import ConfigurationError
from tests.parsers.certificate_samples import certificate_pem

CANARY = "canary-4711-secret"
TOKEN = {"token": CANARY}


def entry(kind: str, name: str, content: dict[str, Any] | None) -> dict[str, Any]:
    return {"name": name, kind: content}


def context(cluster: str = "eu", user: str = "jane", **more: str) -> dict[str, str]:
    return {"cluster": cluster, "user": user, **more}


def config(**changes: Any) -> dict[str, Any]:
    """One that is right."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [entry("cluster", name, {"server": f"https://{name}.example:6443"}) for name in ("eu", "us")],
        "users": [entry("user", "jane", TOKEN), entry("user", "joe", {"token": "other"})],
        "contexts": [
            entry("context", "prod", context(namespace="shop")),
            entry("context", "staging", context("us", "joe")),
        ],
    } | changes


def write(path: Path, value: dict[str, Any] | str) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def told(cluster: KubeCluster) -> tuple[str, str, str, str | None]:
    """Cluster, namespace, address, and who one is."""
    settings = cluster._client.configuration
    return cluster.name, cluster.namespace, settings.host, token_of(settings)


CHOSEN: dict[str, tuple[dict[str, Any], ClusterSettings, tuple[str, str, str, str]]] = {
    "current context": (config(), ClusterSettings(), ("eu", "shop", "https://eu.example:6443", f"Bearer {CANARY}")),
    "context": (
        config(),
        ClusterSettings(context="staging"),
        ("us", "default", "https://us.example:6443", "Bearer other"),
    ),
    "cluster": (
        config(),
        ClusterSettings(cluster="us"),
        ("us", "shop", "https://us.example:6443", f"Bearer {CANARY}"),
    ),
    "user": (config(), ClusterSettings(user="joe"), ("eu", "shop", "https://eu.example:6443", "Bearer other")),
    "cluster and user without a context": (
        config(**{"current-context": ""}),
        ClusterSettings(cluster="us", user="joe"),
        ("us", "default", "https://us.example:6443", "Bearer other"),
    ),
}


@pytest.mark.parametrize(("value", "settings", "expected"), CHOSEN.values(), ids=CHOSEN)
def test_chosen(
    tmp_path: Path, value: dict[str, Any], settings: ClusterSettings, expected: tuple[str, str, str, str]
) -> None:
    """As kubectl takes --context, --cluster and --user."""
    path = write(tmp_path / "config", value)

    assert expected == told(KubeCluster(_with(settings, str(path))))


def _with(settings: ClusterSettings, path: str) -> ClusterSettings:
    return ClusterSettings(kubeconfig=path, context=settings.context, cluster=settings.cluster, user=settings.user)


def test_several_files_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster in one, user and context in another; a file that is not there is passed over."""
    first = write(tmp_path / "clusters", config(users=[], contexts=[], **{"current-context": ""}))
    second = write(tmp_path / "users", config(clusters=[]))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(first), str(tmp_path / "gone"), str(second)]))

    assert ("eu", "shop") == told(KubeCluster(ClusterSettings()))[:2]


def test_current_context_is_that_of_the_first_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubectl has it: whoever adds a file behind his own stays in his cluster."""
    none = write(tmp_path / "none", config(clusters=[], users=[], contexts=[], **{"current-context": ""}))
    first = write(tmp_path / "first", config())
    second = write(tmp_path / "second", config(**{"current-context": "staging"}))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (none, first, second))))

    assert ("eu", "shop") == told(KubeCluster(ClusterSettings()))[:2]


def test_files_that_it_names_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever whystuck was started."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "token").write_text(CANARY)
    path = write(tmp_path / "config", config(users=[entry("user", "jane", {"tokenFile": "token"})]))
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert f"Bearer {CANARY}" == told(KubeCluster(ClusterSettings(kubeconfig=str(path))))[3]


def test_connection_is_as_the_file_says(tmp_path: Path) -> None:
    """Proxy, name of the server, and whether its certificate counts."""
    cluster = {
        "server": "https://eu.example:6443",
        "proxy-url": "http://127.0.0.1:8888",
        "tls-server-name": "kubernetes",
        "insecure-skip-tls-verify": True,
    }
    path = write(tmp_path / "config", config(clusters=[entry("cluster", "eu", cluster)]))
    settings = KubeCluster(ClusterSettings(kubeconfig=str(path)))._client.configuration

    assert ("http://127.0.0.1:8888", "kubernetes", False) == (
        settings.proxy,
        settings.tls_server_name,
        settings.verify_ssl,
    )


def _plugin(tmp_path: Path, *lines: str) -> dict[str, Any]:
    script = tmp_path / "plugin"
    script.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script)}}


def _jwt(**claims: Any) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims))
    return ".".join([*parts, "signature"])


REFUSED: dict[str, tuple[dict[str, Any] | str, ClusterSettings, str]] = {
    "unknown context": (
        config(),
        ClusterSettings(context="nope"),
        "there is no context 'nope'; its contexts: prod, staging",
    ),
    "unknown cluster": (config(), ClusterSettings(cluster="nope"), "there is no cluster 'nope'; its clusters: eu, us"),
    "unknown user": (config(), ClusterSettings(user="nope"), "there is no user 'nope'; its users: jane, joe"),
    "no current context": (
        config(**{"current-context": ""}),
        ClusterSettings(),
        "no context is the current one: say --context; its contexts: prod, staging",
    ),
    "context of a cluster that is gone": (
        config(clusters=[entry("cluster", "us", {"server": "https://us.example"})]),
        ClusterSettings(),
        "there is no cluster 'eu'; its clusters: us",
    ),
    "no contexts": (config(contexts=[]), ClusterSettings(), "there is no context 'prod'; it has no contexts"),
    "user without content": (
        config(users=[{"name": "jane", "password": CANARY}]),
        ClusterSettings(),
        "there is no user 'jane'; its users: jane",
    ),
    "no YAML": ("clusters: [" + CANARY, ClusterSettings(), "line 1, column"),
    "another document": ("- " + CANARY, ClusterSettings(), "it is no kubeconfig"),
    "a text": (CANARY, ClusterSettings(), "it is no kubeconfig"),
    "empty": ("", ClusterSettings(), "it is no kubeconfig"),
    "entries without names": (config(users=[{"user": TOKEN}]), ClusterSettings(), "it is no kubeconfig"),
    "sections of another form": (config(users={"jane": TOKEN}), ClusterSettings(), "it is no kubeconfig"),
    "provider that is not known": (
        config(users=[entry("user", "jane", {"auth-provider": {"name": "azure", "config": {"access-token": CANARY}}})]),
        ClusterSettings(),
        "user jane: the auth-provider azure is not known here",
    ),
    "provider whose token is none": (
        config(users=[entry("user", "jane", {"auth-provider": {"name": "oidc", "config": {"id-token": CANARY}}})]),
        ClusterSettings(),
        "user jane: the auth-provider oidc gave no token",
    ),
    "certificate that is not there": (
        config(users=[entry("user", "jane", {"client-certificate": "gone.crt", "client-key-data": CANARY})]),
        ClusterSettings(),
        "gone.crt",
    ),
}


@pytest.mark.parametrize(("value", "settings", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    value: dict[str, Any] | str,
    settings: ClusterSettings,
    text: str,
) -> None:
    """Which file, what is missing and what there is; no secret of it, in no link of the error."""
    path = write(tmp_path / "config", value)
    with pytest.raises(ConfigurationError, match=r"^kubeconfig ") as caught:
        KubeCluster(_with(settings, str(path)))

    assert str(caught.value).startswith(f"kubeconfig {path}: ")
    assert text in str(caught.value)
    assert CANARY not in _all_texts(caught.value) + caplog.text


def _all_texts(error: BaseException | None) -> str:
    texts = []
    while error is not None:
        texts.append(repr(error) + str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(texts)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(ConfigurationError, match=r"gone: there is no such file, and no service account"):
        KubeCluster(ClusterSettings(kubeconfig=str(tmp_path / "gone")))


PLUGINS: dict[str, tuple[list[str], str]] = {
    "that fails": ([f"echo token={CANARY} is no good >&2", "exit 3"], "exec: process returned 3. token=[redacted]"),
    "that prints something else": (["echo hello"], "exec: failed to decode process output"),
    "that gives nothing": (
        ["""echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}'"""],
        "exec: missing token",
    ),
    "of another version": (
        ["""echo '{"apiVersion":"client.authentication.k8s.io/v9","kind":"ExecCredential","status":{}}'"""],
        "does not match",
    ),
}


@pytest.mark.parametrize(("lines", "text"), PLUGINS.values(), ids=PLUGINS)
def test_plug_in(tmp_path: Path, caplog: pytest.LogCaptureFixture, lines: list[str], text: str) -> None:
    """It is said here, in one error, and not by the client in the middle of the log."""
    path = write(tmp_path / "config", config(users=[entry("user", "jane", _plugin(tmp_path, *lines))]))
    with pytest.raises(ConfigurationError, match="user jane: the exec plug-in") as caught:
        KubeCluster(ClusterSettings(kubeconfig=str(path)))

    assert text in str(caught.value)
    assert CANARY not in _all_texts(caught.value)
    assert "" == caplog.text


def test_plug_in_that_is_not_there(tmp_path: Path) -> None:
    """Its command is named."""
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(tmp_path / "gone")}}
    path = write(tmp_path / "config", config(users=[entry("user", "jane", user)]))
    with pytest.raises(ConfigurationError, match=r"the exec plug-in .*gone gave no credentials: .*No such file"):
        KubeCluster(ClusterSettings(kubeconfig=str(path)))


def test_service_account_of_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no kubeconfig; what is missing of it is named."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    settings = ClusterSettings(service_account=str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"service account in .*: Service token file does not exist"):
        KubeCluster(settings)

    (tmp_path / "token").write_text(CANARY)
    (tmp_path / "ca.crt").write_bytes(certificate_pem("kubernetes"))
    (tmp_path / "namespace").write_text("tools\n")
    assert ("in-cluster", "tools", "https://10.96.0.1:443") == told(KubeCluster(settings))[:3]
