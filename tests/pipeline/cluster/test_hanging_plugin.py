"""An exec plug-in that does not end: it is killed in time, calls go on with what it gave before, and it is named."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.cluster.calls import Call, CallError, Reason
from pipeline.cluster.connection import KubeCluster
from pipeline.cluster.credentials import ASK_AGAIN_SECONDS
from pipeline.cluster.settings import ClusterSettings
from pipeline.errors import ConfigurationError

PODS = Call("list", "pods")
CANARY = "canary-4711-secret"
LIMIT_SECONDS = 5.0
PATIENCE_SECONDS = 60.0


class _Server(http.server.ThreadingHTTPServer):
    """An API server that knows one token at a time."""

    daemon_threads = True
    accepted = "Bearer first"
    request_count = 0


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self.server.request_count += 1
        is_known = self.headers.get("Authorization") == self.server.accepted
        body = b"{}" if is_known else b'{"message": "Unauthorized"}'
        self.send_response(200 if is_known else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _serving() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _kubeconfig(folder: Path, server: str, *lines: str) -> Path:
    """Its plug-in is a script; the canary is in its arguments and environment."""
    script = folder / "plugin"
    script.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    script.chmod(0o700)
    env = [{"name": "PLUGIN_SECRET", "value": CANARY}]
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "args": [CANARY], "env": env}
    path = folder / "config"
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{"name": "eu", "cluster": {"server": server}}],
        "users": [{"name": "jane", "user": {"exec": plugin}}],
        "contexts": [{"name": "prod", "context": {"cluster": "eu", "user": "jane"}}],
    }
    path.write_text(json.dumps(content))
    return path


def _gives(token: str, expires: str) -> str:
    status = {"token": token, "expirationTimestamp": expires}
    kind = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"echo '{json.dumps(kind)}'"


def _connect(path: Path, limit: float = LIMIT_SECONDS) -> KubeCluster:
    return KubeCluster(ClusterSettings(kubeconfig=str(path), request_timeout_seconds=limit))


def _is_running(pid: int) -> bool:
    """Not ended, and no zombie that nobody has waited for yet."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_plug_in_that_hangs_at_the_start_is_named(tmp_path: Path) -> None:
    """Neither its arguments nor its environment; and nothing that it has started is left."""
    lines = (f"sleep 600 & echo $! > {tmp_path}/child", f"echo $$ > {tmp_path}/own", "wait")
    began = time.monotonic()
    with pytest.raises(ConfigurationError) as caught:
        _connect(_kubeconfig(tmp_path, "https://eu.example", *lines))

    assert "user jane: the exec plug-in" in str(caught.value)
    assert "plugin gave no credentials" in str(caught.value)
    assert "it did not end within 5 s, and was killed" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert time.monotonic() - began < PATIENCE_SECONDS
    for name in ("own", "child"):
        pid = int((tmp_path / name).read_text())
        while _is_running(pid):
            assert time.monotonic() - began < PATIENCE_SECONDS, name


def test_plug_in_gets_what_the_kubeconfig_says(tmp_path: Path) -> None:
    """Arguments, environment and the note about the cluster; its own exit status comes back."""
    says = 'echo "$1 $PLUGIN_SECRET ${#KUBERNETES_EXEC_INFO}" > ' + f"{tmp_path}/got"
    with pytest.raises(ConfigurationError, match=r"exec: process returned 7\. no way"):
        _connect(_kubeconfig(tmp_path, "https://eu.example", says, "echo no way >&2", "exit 7"))
    argument, variable, size = (tmp_path / "got").read_text().split()
    assert (CANARY, CANARY) == (argument, variable)
    assert int(size) > 0


def _failing_later(folder: Path, server: _Server) -> KubeCluster:
    """What the plug-in gives has to be renewed at once; the second time it fails, when there is a file `go`."""
    (folder / "asked").touch()
    lines = (
        f"echo x >> {folder}/asked",
        f"[ $(wc -l < {folder}/asked) -eq 1 ] || {{ until [ -e {folder}/go ]; do sleep 0.1; done; exit 3; }}",
        _gives("first", "2026-01-01T00:00:00Z"),
    )
    path = _kubeconfig(folder, f"http://127.0.0.1:{server.server_address[1]}", *lines)
    return _connect(path, PATIENCE_SECONDS)


def _asked_count(folder: Path) -> int:
    return len((folder / "asked").read_text().split())


def test_calls_go_on_while_the_plug_in_hangs(tmp_path: Path) -> None:
    """One asks it, and waits; the others use what it gave before. Then nobody asks for a while."""
    with _serving() as server:
        cluster = _failing_later(tmp_path, server)
        first = threading.Thread(target=lambda: cluster.get(PODS))
        first.start()
        began = time.monotonic()
        while _asked_count(tmp_path) < 2:
            assert time.monotonic() - began < PATIENCE_SECONDS
        assert b"{}" == cluster.get(PODS)
        assert 1 == server.request_count, "the first call waits still"
        (tmp_path / "go").touch()
        first.join(PATIENCE_SECONDS)
        ended = time.monotonic()
        assert b"{}" == cluster.get(PODS)
        assert 3 == server.request_count
        assert 2 == _asked_count(tmp_path) or time.monotonic() - ended > ASK_AGAIN_SECONDS
        cluster.close()


def test_calls_are_refused_when_the_credentials_have_ended(tmp_path: Path) -> None:
    """With the command of the plug-in, and what became of it."""
    with _serving() as server:
        cluster = _failing_later(tmp_path, server)
        (tmp_path / "go").touch()
        server.accepted = "Bearer second"
        for _ in range(3):
            with pytest.raises(CallError) as caught:
                cluster.get(PODS)
            assert Reason.UNAUTHORIZED is caught.value.reason
            assert "cannot list pods in all namespaces" in str(caught.value)
            assert "user jane: the exec plug-in" in str(caught.value)
            assert "plugin gave no credentials: exec: process returned 3" in str(caught.value)
            assert CANARY not in str(caught.value)
        cluster.close()
