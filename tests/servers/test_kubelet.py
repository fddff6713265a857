"""The kubelet end-point of the tests, without an API server."""

from __future__ import annotations

import gc
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.certificates import Authority
from tests.servers.kubelet import Kubelet, nano

RESET_AT_ONCE = struct.pack("ii", 1, 0)  # linger on, for no time


@pytest.fixture
def kubelet(tmp_path: Path) -> Iterator[Kubelet]:
    running = Kubelet(*Authority("nodes", tmp_path).issue("kubelet"))
    yield running
    running.close()


def _ask(kubelet: Kubelet) -> bytes:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", kubelet.port), timeout=30) as plain,
        trusting.wrap_socket(plain) as connection,
    ):
        connection.sendall(b"GET /containerLogs/n/p/c HTTP/1.1\r\nhost: k\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_clients_that_are_gone_before_they_are_let_in_leave_no_socket(kubelet: Kubelet) -> None:
    """As an API server that is killed does, whose connections nobody has accepted yet."""
    kubelet.log("n", "p", "c").write(b"hello", nano(1.5))
    for _ in range(20):
        client = socket.create_connection(("127.0.0.1", kubelet.port), timeout=30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
        client.close()
    assert _ask(kubelet).endswith(b"hello\n\r\n0\r\n\r\n")
    gc.collect()  # an open socket is a warning here, and a warning an error
