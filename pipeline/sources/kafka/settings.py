"""What can be set of a Kafka source, with the reason of every default."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.secret import Secret

LATEST = "latest"
EARLIEST = "earliest"


class Protocol(enum.Enum):
    """How to talk to the brokers, in Kafka's own words."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is used."""
        return self in (Protocol.SSL, Protocol.SASL_SSL)

    @property
    def is_authenticated(self) -> bool:
        """Whether SASL is used."""
        return self in (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)


class Mechanism(enum.Enum):
    """How to prove who one is, in Kafka's own words."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"


class KafkaSecurity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to be let in. Secrets come from files or the environment; files are read anew at each connection."""

    protocol: Protocol = Protocol.PLAINTEXT
    ca_file: str | None = None
    """PEM file of the authorities that may have signed the brokers' certificates; None: those of the machine."""
    certificate_file: str | None = None
    """PEM file of the certificate to show, for brokers that ask for one; with the chain behind it, if there is one."""
    key_file: str | None = None
    """PEM file of its key; None: the key is in `certificate_file`."""
    key_password: Secret | None = None
    """What the key is encrypted with; None: it is not."""
    key_password_file: str | None = None
    check_hostname: bool = True
    """Whether the brokers' names have to be in their certificates. Without, whoever has any certificate is believed."""
    mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    """The safest that every broker has: the password itself is never sent. Used with the SASL protocols only."""
    username: str = ""
    password: Secret | None = None
    password_file: str | None = None
    token_file: str | None = None
    """For OAUTHBEARER: the file of the token. Whoever renews the token writes it there, as Kubernetes does."""

    def check(self) -> None:
        """What the settings have to do with each other.

        Raises:
            ConfigurationError: They do not fit.
        """
        if not self.protocol.is_authenticated:
            return
        if self.mechanism is Mechanism.OAUTHBEARER:
            if self.token_file is None:
                raise ConfigurationError("kafka security.token_file: missing; OAUTHBEARER needs it")
        elif not self.username or (self.password is None and self.password_file is None):
            raise ConfigurationError(
                f"kafka security: {self.mechanism.value} needs username, and password_file "
                "or a password from the environment"
            )


class KafkaOrigin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose lines these are: what an envelope says itself comes before all of this.

    Where several of these say something, a field of the value counts before a header, that before the key, that
    before the topic, and that before `cluster`.
    """

    cluster: str = ""
    """Name of the cluster that the logs are of, where nothing else says it."""
    topic_pattern: str = ""
    """Regular expression for the whole name of the topic; its groups cluster, namespace, pod and container are used."""
    key_pattern: str = ""
    """The same for the key of a record."""
    cluster_header: str = ""
    """Names of headers that hold these."""
    namespace_header: str = ""
    pod_header: str = ""
    container_header: str = ""
    cluster_field: str = ""
    """Where in a value that is a JSON object these are, as in `kubernetes.labels.cluster`. Costs 2 µs a record."""
    namespace_field: str = ""
    pod_field: str = ""
    container_field: str = ""


class KafkaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One Kafka source. Durations are seconds of real time, but for `ahead_seconds`."""

    name: str = "kafka"
    """Positions are stored under it: whoever changes it begins anew."""
    bootstrap_servers: tuple[str, ...]
    """host:port of some brokers; the others are learned from them."""
    topics: tuple[str, ...] = ()
    """Topics to read; all of them have to exist when the source starts."""
    topic_pattern: str = ""
    """In their place a regular expression for the whole name; topics that come later are read from their beginning."""
    group: str = ""
    """Consumer group in which positions are noted, for lag tools; empty: nowhere. They are never read from there."""
    security: KafkaSecurity = KafkaSecurity()
    start: str = LATEST
    """Where to begin when nothing was ever read: latest, earliest, or a time as 2026-11-24T08:00:00Z. What happened
    before whystuck was installed is no news to anybody, so: latest."""
    origin: KafkaOrigin = KafkaOrigin()
    max_value_bytes: int = 1_048_576
    """A larger value is set aside. The brokers' own limit is 1 MiB by default, and no controller writes such lines."""
    max_poll_records: int = 2000
    """Records taken at once: enough that the work per call does not count, few enough to react within 50 ms."""
    fetch_bytes: int = 1_048_576
    """Fetched of one partition at once. Larger was not faster, and takes that much memory for each partition."""
    ahead_seconds: float = 60.0
    """How far, in the records' time, a partition may run ahead of one that lags behind. In a catch-up partitions come
    in big pieces; what belongs to one incident should come together."""
    connect_seconds: float = 10.0
    """How long the start waits for a broker that does not answer, or is not there yet."""
    observe_seconds: float = 5.0
    """How often brokers are asked for ends, new partitions and topics, and positions are noted in the group."""
    read_committed: bool = False
    """Leave out what a transaction took back. Shippers use none, and one that hangs would stop the reading."""

    def check(self) -> None:
        """What the settings have to do with each other.

        Raises:
            ConfigurationError: They do not fit.
        """
        if not self.bootstrap_servers:
            raise ConfigurationError(f"kafka {self.name}: bootstrap_servers: name at least one broker, as host:9092")
        if bool(self.topics) == bool(self.topic_pattern):
            raise ConfigurationError(f"kafka {self.name}: set topics, or topic_pattern: one of the two")
        if self.start not in (LATEST, EARLIEST):
            self.start_at()
        self.security.check()

    def start_at(self) -> datetime:
        """The time to begin at.

        Raises:
            ConfigurationError: `start` is no time, or has no zone.
        """
        try:
            at = datetime.fromisoformat(self.start)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise ConfigurationError(
                f"kafka {self.name}: start: expected latest, earliest or a time with a zone, as 2026-11-24T08:00:00Z"
            )
        return at
