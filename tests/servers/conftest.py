"""Fixtures of the real servers, one module each."""

from tests.servers.alertmanager import alertmanager
from tests.servers.kafka_fixtures import broker, make_broker, tls
from tests.servers.kube_fixtures import cluster, kubelet, make_cluster
from tests.servers.postgresql import own_postgresql, postgresql

__all__ = [
    "alertmanager",
    "broker",
    "cluster",
    "kubelet",
    "make_broker",
    "make_cluster",
    "own_postgresql",
    "postgresql",
    "tls",
]
