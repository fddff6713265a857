"""The clients made with kafka-python. Its traps are worked around here; docs/kafka.md names them."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import kafka.codec
from kafka import KafkaAdminClient, KafkaConsumer

from pipeline.errors import SourceError, SourceRefusedError
from pipeline.sources.kafka.clients import ClientTrouble, Inspector, Reader
from pipeline.sources.kafka.library_inspector import REQUEST_SECONDS, LibraryInspector
from pipeline.sources.kafka.library_reader import LibraryReader
from pipeline.sources.kafka.login import login_arguments
from pipeline.sources.kafka.network import NetworkFactory
from pipeline.sources.kafka.probe import Refusal, probe
from pipeline.sources.kafka.settings import KafkaSettings

FETCH_SECONDS = 10.0
"""A fetch that is not answered by then failed; brokers let it wait half a second for records."""
RETRY_SECONDS = 0.3
_CODECS = {"lz4": kafka.codec.has_lz4, "snappy": kafka.codec.has_snappy, "zstd": kafka.codec.has_zstd}
_numbers = itertools.count(1)


class LibraryClients:
    """Makes clients for a source."""

    def __init__(self, settings: KafkaSettings, wait: Callable[[float], object]) -> None:
        """Prepare.

        Args:
            settings: of the source.
            wait: waits so many seconds, or less when the source is being closed.
        """
        self._settings = settings
        self._wait = wait

    def check(self) -> None:
        """Find out whether one is let in, and wait for brokers that are not there yet.

        Raises:
            SourceRefusedError: One is not let in; or a decompressor is missing.
            SourceError: No broker can be reached.
            ConfigurationError: A file of the security settings cannot be used.
        """
        settings = self._settings
        if missing := [name for name, has in _CODECS.items() if not has()]:
            raise SourceRefusedError(
                f"kafka {settings.name}: cannot decompress {', '.join(missing)}: install whystuck anew"
            )
        arguments = login_arguments(settings.security)
        deadline = time.monotonic() + settings.connect_seconds
        while True:
            refusals = self._probe_all(arguments, deadline)
            if not refusals:
                return
            reasons = "; ".join(refusal.reason for refusal in refusals)
            if all(refusal.is_final for refusal in refusals):
                raise SourceRefusedError(f"kafka {settings.name}: {reasons}")
            if time.monotonic() > deadline:
                raise SourceError(f"kafka {settings.name}: {reasons}")
            self._wait(RETRY_SECONDS)

    def _probe_all(self, arguments: dict[str, Any], deadline: float) -> list[Refusal]:
        """Why none of the brokers can be used; empty: one can."""
        refusals: list[Refusal] = []
        for address in self._settings.bootstrap_servers:
            refusal = probe(address, self._settings.security, arguments)
            if refusal is None:
                return []
            refusals.append(refusal)
            if time.monotonic() > deadline:
                break
        return refusals

    def open_reader(self, timeout_seconds: float) -> Reader:
        """A reader. Raises ClientTrouble."""
        settings = self._settings
        with _opening(settings, "reader", timeout_seconds) as (factory, arguments):
            consumer = KafkaConsumer(
                **arguments,
                kafka_client=factory,
                group_id=None,  # positions are the store's; a group would only add ways to fail
                enable_auto_commit=False,
                auto_offset_reset="none",  # any other value skips what retention deleted, in silence
                allow_auto_create_topics=False,
                max_poll_records=settings.max_poll_records,
                max_partition_fetch_bytes=settings.fetch_bytes,
                request_timeout_ms=int(FETCH_SECONDS * 1000),
                isolation_level="read_committed" if settings.read_committed else "read_uncommitted",
                metrics_enabled=False,
            )
            return LibraryReader(consumer, factory.log)

    def open_inspector(self, timeout_seconds: float) -> Inspector:
        """An inspector. Raises ClientTrouble."""
        with _opening(self._settings, "inspector", timeout_seconds) as (factory, arguments):
            admin = KafkaAdminClient(**arguments, kafka_client=factory, request_timeout_ms=int(REQUEST_SECONDS * 1000))
            self._check_advertised(factory, arguments)
            return LibraryInspector(admin, factory, self._settings)

    def _check_advertised(self, factory: NetworkFactory, arguments: dict[str, Any]) -> None:
        """Whoever answers names all brokers, and these have to be reachable by these names."""
        reasons: list[str] = []
        for broker in factory.client.cluster.brokers():
            refusal = probe(f"{broker.host}:{broker.port}", self._settings.security, arguments)
            if refusal is None:
                return
            reasons.append(refusal.reason)
        raise ClientTrouble(f"as the brokers name themselves (advertised.listeners): {'; '.join(reasons)}")


@contextlib.contextmanager
def _opening(
    settings: KafkaSettings, role: str, timeout_seconds: float
) -> Iterator[tuple[NetworkFactory, dict[str, Any]]]:
    client_id = f"whystuck-{re.sub('[^A-Za-z0-9._-]', '_', settings.name)}-{role}-{next(_numbers)}"
    factory = NetworkFactory(client_id)
    factory.log.open()
    arguments = login_arguments(settings.security) | {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": client_id,
        "bootstrap_timeout_ms": int(timeout_seconds * 1000),
        "reconnect_backoff_max_ms": 1000,  # 30 s by default: half a minute lost after brokers are back
    }
    try:
        yield factory, arguments
    except ClientTrouble:
        factory.abandon()
        raise
    except Exception as error:
        factory.abandon()
        reason = factory.log.newest or str(error)
        raise ClientTrouble(f"no broker can be reached: {reason}") from error
