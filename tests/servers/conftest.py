"""Fixtures of the real servers, one module each; and what a test that fails shows of them."""

from __future__ import annotations

from collections.abc import Collection, Generator
from pathlib import Path

import pytest

from tests.servers.alertmanager import alertmanager
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_fixtures import broker, installation, make_broker, tls
from tests.servers.kube_cluster import KubeCluster
from tests.servers.kube_fixtures import cluster, kubelet, make_cluster, mortal, mortal_kubelet
from tests.servers.postgresql import own_postgresql, postgresql

__all__ = [
    "alertmanager",
    "broker",
    "cluster",
    "installation",
    "kubelet",
    "make_broker",
    "make_cluster",
    "mortal",
    "mortal_kubelet",
    "own_postgresql",
    "postgresql",
    "tls",
]

SHOWN_BYTES = 6_000
"""Of the end of each log."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Nobody has the machine on which a test failed: its report holds the end of every log of a server or daemon."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for log in sorted(_logs(item.funcargs.values())):
            text = log.read_bytes()[-SHOWN_BYTES:].decode(errors="replace")
            report.sections.append((f"end of {log.parent.name}/{log.name}", text))
    return report


def _logs(arguments: Collection[object]) -> set[Path]:
    """Where the test works, and of the servers that it was given, alone or in a scene."""
    given = [each for one in arguments for each in (one, getattr(one, "cluster", None))]
    folders = [one for one in given if isinstance(one, Path) and one.is_dir()]
    folders += [one.directory for one in given if isinstance(one, Broker | KubeCluster)]
    return {log for folder in folders for pattern in ("*.log", "*/*.log") for log in folder.glob(pattern)}
