"""A cluster for tests, one a session; and pods in it whose logs a kubelet end-point of the test serves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.servers.kube_cluster import KubeCluster
from tests.servers.kubelet import Kubelet

MakeCluster = Callable[[], KubeCluster]


@pytest.fixture(scope="module")
def make_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCluster]:
    """Starts clusters; all of them end with the module: each takes some of the machine, also where nobody asks it."""
    directory = tmp_path_factory.mktemp("kube")
    numbers = itertools.count(1)
    with ExitStack() as running:

        def make() -> KubeCluster:
            return running.enter_context(_running(directory / f"cluster-{next(numbers)}"))

        yield make


@contextmanager
def _running(directory: Path) -> Iterator[KubeCluster]:
    made = KubeCluster(directory)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeCluster]:
    """One that nobody kills."""
    with _running(tmp_path_factory.mktemp("kube") / "cluster") as made:
        yield made


@pytest.fixture
def mortal(make_cluster: MakeCluster) -> Iterator[KubeCluster]:
    """One whose API server may be killed."""
    made = make_cluster()
    yield made
    made.stop()


@pytest.fixture
def mortal_kubelet(mortal: KubeCluster) -> Iterator[Kubelet]:
    """The kubelet end-point of that one."""
    running = Kubelet(*mortal.authority.issue("kubelet"))
    yield running
    running.close()


@pytest.fixture
def kubelet(cluster: KubeCluster) -> Iterator[Kubelet]:
    """A kubelet end-point whose certificate the cluster trusts; no node points to it yet (`add_node`)."""
    running = Kubelet(*cluster.authority.issue("kubelet"))
    yield running
    running.close()
