"""Ports for servers of tests. Needs none."""

from __future__ import annotations

import subprocess
import sys

SHARES = """
from tests.servers.ports import free_ports
print(*free_ports(120), flush=True)
input()
"""
MEETS_A_SERVER = """
import socket
from tests.servers.ports import free_ports
(first,) = free_ports(1)
with socket.create_server(("127.0.0.1", first - 1)):
    print(first, *free_ports(1))
"""


def test_no_port_is_given_twice() -> None:
    """Neither by one process nor by two that live at the same time."""
    command = [sys.executable, "-c", SHARES]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other,
    ):
        assert one.stdout is not None
        assert other.stdout is not None
        ports = [*one.stdout.readline().split(), *other.stdout.readline().split()]
        one.communicate(b"\n")
        other.communicate(b"\n")
    assert 240 == len(set(ports))


def test_port_on_which_somebody_listens_is_left_out() -> None:
    """Whoever that is."""
    done = subprocess.run([sys.executable, "-c", MEETS_A_SERVER], capture_output=True, text=True, check=True)
    first, second = map(int, done.stdout.split())
    assert first - 1 > second
