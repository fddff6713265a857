"""API servers that give no answer, and what is said of it. Nothing leaves the machine."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from pipeline.cluster.calls import Call, CallError, Reason
from pipeline.cluster.connection import KubeCluster
from pipeline.cluster.safe_text import unreachable_text
from pipeline.cluster.settings import ClusterSettings

PODS = Call("list", "pods")

TEXTS: dict[str, tuple[str, str]] = {
    "another authority": (
        "[SSL] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)",
        (
            "no answer of api.example:6443: [SSL] certificate verify failed: unable to get local issuer certificate; "
            "is the certificate-authority of the kubeconfig that of this cluster?"
        ),
    ),
    "another name": (
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch (_ssl.c:1006)",
        "no answer of api.example:6443: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch",
    ),
    "no such name": (
        "HTTPSConnection(host='api.example', port=6443): Failed to resolve 'api.example' (Name or service not known)",
        "no answer of api.example:6443: Failed to resolve 'api.example' (Name or service not known)",
    ),
}


@pytest.mark.parametrize(("said", "expected"), TEXTS.values(), ids=TEXTS)
def test_unreachable_text(said: str, expected: str) -> None:
    """The server, the reason, and what to look at."""
    assert expected == unreachable_text("https://jane:secret@api.example:6443/", OSError(said))


def _cluster(path: Path, port: int, request_timeout_seconds: float = 30.0) -> KubeCluster:
    config = {
        "current-context": "eu",
        "clusters": [{"name": "eu", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "jane", "user": {"token": "t"}}],
        "contexts": [{"name": "eu", "context": {"cluster": "eu", "user": "jane"}}],
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return KubeCluster(ClusterSettings(kubeconfig=str(path), request_timeout_seconds=request_timeout_seconds))


def test_nobody_listens(tmp_path: Path) -> None:
    """The address that was tried is said."""
    with socket.socket() as taken:  # bound, and not listening: nobody else can take the port
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(CallError, match=rf"no answer of 127\.0\.0\.1:{port}: .*refused; is that its") as found:
            _cluster(tmp_path / "config", port).get(PODS)
    assert Reason.UNREACHABLE is found.value.reason


def test_no_limit(tmp_path: Path) -> None:
    """`--request-timeout 0` waits as long as it takes, as with kubectl."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server,), daemon=True).start()
        cluster = _cluster(tmp_path / "config", server.getsockname()[1], request_timeout_seconds=0)
        assert b"{}" == cluster.get(PODS)


def _answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
