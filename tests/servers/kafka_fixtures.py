"""A Kafka broker for tests: one a session with every kind of listener, and others of a module that a test may kill."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.servers.certificates import Authority
from tests.servers.kafka_broker import Broker, Installation
from tests.servers.kafka_jars import fetch_jars, find_java

SCRAM_USERS = (
    "SCRAM-SHA-512=[name=scrammy,password=right]",
    "SCRAM-SHA-256=[name=scrammy,password=right]",
)
_PLAIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'user_reader="right" user_nobody="right" user_describer="right";'
)
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_OAUTH = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
    'unsecuredLoginStringClaim_sub="broker";'
)
_MECHANISMS = {"plain": _PLAIN, "scram-sha-512": _SCRAM, "scram-sha-256": _SCRAM, "oauthbearer": _OAUTH}

MakeBroker = Callable[..., Broker]


class Tls:
    """Files of both sides."""

    def __init__(self, directory: Path) -> None:
        authority, other = Authority("authority", directory), Authority("other", directory)
        self.authority = authority.file
        self.other_authority = other.file
        self.client_certificate, self.client_key = authority.issue("client")
        certificate, key = authority.issue("broker")
        self.broker_store = directory / "broker.pem"
        self.broker_store.write_bytes(key.read_bytes() + certificate.read_bytes())


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """What brokers are made of."""
    return Installation(find_java(), fetch_jars(), tmp_path_factory.mktemp("kafka"))


@contextmanager
def _running(
    installation: Installation,
    directory: Path,
    settings: Mapping[str, str] | None = None,
    listeners: Mapping[str, str] | None = None,
) -> Iterator[Broker]:
    broker = Broker(installation, installation.formatted(SCRAM_USERS), directory, settings, listeners)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@pytest.fixture(scope="module")
def make_broker(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeBroker]:
    """Starts brokers; all of them end with the module."""
    directory = tmp_path_factory.mktemp("brokers")
    numbers = itertools.count(1)
    with ExitStack() as running:

        def make(settings: Mapping[str, str] | None = None, listeners: Mapping[str, str] | None = None) -> Broker:
            place = directory / f"broker-{next(numbers)}"
            return running.enter_context(_running(installation, place, settings, listeners))

        yield make


@pytest.fixture(scope="session")
def broker(installation: Installation, tmp_path_factory: pytest.TempPathFactory, tls: Tls) -> Iterator[Broker]:
    """A broker that stays up; whoever comes in clear text without a name may do everything, others what ACLs allow."""
    listeners = {
        "SSL": "SSL",
        "MTLS": "SSL",
        "SASLPLAIN": "SASL_PLAINTEXT",
        "SASLSSL": "SASL_SSL",
        "ONLYPLAIN": "SASL_PLAINTEXT",
    }
    settings = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:CN=client",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(tls.broker_store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(tls.authority),
        "listener.name.mtls.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "listener.name.onlyplain.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.onlyplain.plain.sasl.jaas.config": _PLAIN,
    }
    for listener in ("saslplain", "saslssl"):
        for mechanism, module in _MECHANISMS.items():
            settings[f"listener.name.{listener}.{mechanism}.sasl.jaas.config"] = module
    with _running(installation, tmp_path_factory.mktemp("brokers") / "broker", settings, listeners) as made:
        yield made
