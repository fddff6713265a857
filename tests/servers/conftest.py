"""Fixtures of the real servers, one module each."""

from tests.servers.alertmanager import alertmanager
from tests.servers.kafka_fixtures import broker, make_broker, tls
from tests.servers.kube_fixtures import cluster, kubelet, make_cluster, mortal, mortal_kubelet
from tests.servers.postgresql import own_postgresql, postgresql

__all__ = [
    "alertmanager",
    "broker",
    "cluster",
    "kubelet",
    "make_broker",
    "make_cluster",
    "mortal",
    "mortal_kubelet",
    "own_postgresql",
    "postgresql",
    "tls",
]
