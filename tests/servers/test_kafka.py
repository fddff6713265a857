"""The Kafka source against a real broker that stays up: reading, security, rights, what is no text."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation

from pipeline.errors import SourceError, SourceRefusedError
from pipeline.secret import Secret
from pipeline.sources.kafka.settings import KafkaOrigin, KafkaSecurity, KafkaSettings, Mechanism, Protocol
from pipeline.sources.kafka.source import KafkaSource
from pipeline.store.records import QuarantineReason
from tests.servers.damage import damage_batch
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_fixtures import Tls
from tests.servers.kafka_topics import Topics, lines_of, positions_of, read_lines, read_until, retry

pytestmark = pytest.mark.servers

OpenSource = Callable[..., KafkaSource]


@pytest.fixture(scope="module")
def topics(broker: Broker) -> Topics:
    return Topics(broker.address())


@pytest.fixture
def open_source(broker: Broker) -> Iterator[OpenSource]:
    opened: list[KafkaSource] = []

    def open_it(
        *names: str,
        positions: dict[str, bytes] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        **more: object,
    ) -> KafkaSource:
        arguments: dict[str, object] = {"bootstrap_servers": (broker.address(),), "topics": names, "start": "earliest"}
        source = KafkaSource(
            KafkaSettings(**arguments | {"observe_seconds": 0.3, "connect_seconds": 120.0} | more), monotonic=monotonic
        )  # type: ignore[arg-type]
        opened.append(source)
        source.start(positions or {})
        return source

    yield open_it
    for source in opened:
        source.close()


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_line_comes_once_in_order(topics: Topics, open_source: OpenSource, codec: str) -> None:
    """Whatever the producer compresses with."""
    name = topics.create()
    values = [b"line %d" % number for number in range(5000)]
    topics.produce(name, values, codec=codec)

    got = read_lines(open_source(name), 5000)

    assert values == lines_of(got)
    assert list(range(5000)) == [number for each in got for block in each.blocks for number in block.line_numbers or ()]


def test_reading_goes_on_at_the_stored_positions(topics: Topics, open_source: OpenSource) -> None:
    """Nothing is lost and nothing comes twice over four starts."""
    name = topics.create(4)
    for partition in range(4):
        topics.produce(name, [b"%d-%d" % (partition, number) for number in range(500)], partition)
    lines: list[bytes] = []
    positions: dict[str, bytes] = {}
    while len(lines) < 2000:
        source = open_source(name, positions=positions, max_poll_records=100)
        got = read_lines(source, min(500, 2000 - len(lines)))
        positions |= positions_of(source, got)
        lines += lines_of(got)
        source.close()

    assert 2000 == len(lines) == len(set(lines))


def test_starting_again_drops_what_was_fetched(topics: Topics, open_source: OpenSource) -> None:
    """As after a commit that failed."""
    name = topics.create()
    values = [b"%d" % number for number in range(3000)]
    topics.produce(name, values)
    source = open_source(name, max_poll_records=100)
    first = read_lines(source, 300)
    read_lines(source, 500)

    source.start(positions_of(source, first))

    assert values[300:] == lines_of(read_lines(source, 2700))


@pytest.mark.parametrize(("start", "expected"), [("earliest", b"old"), ("latest", b"new"), ("an hour ago", b"middle")])
def test_first_start(topics: Topics, open_source: OpenSource, start: str, expected: bytes) -> None:
    """Where nothing was ever read, the setting decides."""
    now = int(time.time() * 1000)  # brokers refuse times that are far away
    at = {b"old": now - 7200_000, b"middle": now - 1800_000, b"new": now}
    name = topics.create()
    for value in (b"old", b"middle"):
        topics.produce(name, [value], at=lambda _, value=value: at[value])
    if start == "an hour ago":
        start = datetime.fromtimestamp(now / 1000 - 3600, UTC).isoformat()
    source = open_source(name, start=start)

    topics.produce(name, [b"new"], at=lambda _: at[b"new"])

    assert expected == lines_of(read_lines(source, 1))[0]


def test_an_idle_partition_has_a_position_from_the_first_start_on(topics: Topics, open_source: OpenSource) -> None:
    """Else what comes while whystuck is down would be skipped by the next start at the end."""
    name = topics.create(2)
    source = open_source(name, start="latest")
    told = read_until(source, lambda got: len(got) == 2)
    source.close()

    topics.produce(name, [b"meanwhile"], 1)

    again = open_source(name, start="latest", positions=positions_of(source, told))
    assert [b"meanwhile"] == lines_of(read_lines(again, 1))


def test_new_partitions_are_noticed(topics: Topics, open_source: OpenSource) -> None:
    """And read from their beginning."""
    name = topics.create(1)
    source = open_source(name, start="latest")
    topics.grow(name, 3)
    topics.produce(name, [b"in the new one"], 2)

    assert [b"in the new one"] == lines_of(read_lines(source, 1))


def test_new_topics_of_a_pattern_are_noticed(topics: Topics, open_source: OpenSource) -> None:
    """And read from their beginning; others are left alone."""
    topics.create(1, "pattern-a")
    source = open_source(topic_pattern="pattern-.*", start="latest")
    topics.create(1, "pattern-b")
    topics.create(1, "other-pattern-b")
    topics.produce("other-pattern-b", [b"not this"])
    topics.produce("pattern-b", [b"this"])

    got = read_lines(source, 1)

    assert [b"this"] == lines_of(got)
    assert "pattern-b/0" == got[-1].stream


def test_group_shows_positions(topics: Topics, open_source: OpenSource) -> None:
    """For lag tools; what was acknowledged, not what was read."""
    name = topics.create()
    topics.produce(name, [b"1", b"2", b"3"])
    source = open_source(name, group="whystuck-lag")
    read_lines(source, 3)
    source.acknowledge({f"{name}/0": 2})

    def is_noted() -> None:
        assert {0: 2} == topics.noted("whystuck-lag", name)

    retry(is_noted)
    assert "" == source.status().problem


def test_lag_is_known_in_records_and_seconds(topics: Topics, open_source: OpenSource) -> None:
    """It is none at the end, and nobody has to poll for it."""
    name = topics.create()
    topics.produce(name, [b"%d" % number for number in range(3000)])
    source = open_source(name, max_poll_records=1000)

    behind = source.status().lags[f"{name}/0"]
    read_lines(source, 3000)
    read_until(source, lambda _: source.status().is_caught_up)
    caught_up = source.status().lags[f"{name}/0"]

    assert (3000, None) == (behind.records, behind.seconds)
    assert (0, 0.0) == (caught_up.records, caught_up.seconds)


def test_origin_comes_with_the_records(topics: Topics, open_source: OpenSource) -> None:
    """Header before key before topic."""
    name = topics.create(1, "logs.eu-1")
    topics.produce(name, [b"a"], key=b"argo/rollouts-0", headers=[("cluster", b"eu-7")])
    topics.produce(name, [b"b"], key=b"argo/rollouts-1")
    origin = KafkaOrigin(
        topic_pattern=r"logs\.(?P<cluster>.+)", key_pattern="(?P<namespace>[^/]+)/(?P<pod>.+)", cluster_header="cluster"
    )

    got = read_lines(open_source(name, origin=origin), 2)
    origins = [block.origin for each in got for block in each.blocks]

    assert [("eu-7", "argo", "rollouts-0"), ("eu-1", "argo", "rollouts-1")] == [
        (each.cluster, each.namespace, each.pod) for each in origins
    ]


def test_odd_values_do_not_stop_the_stream(topics: Topics, open_source: OpenSource) -> None:
    """What is text goes on as it is; tombstones and empty values are counted; the rest is set aside, with its hash."""
    name = topics.create(settings={"max.message.bytes": "20000000"})
    huge = b"x" * 10_000_000
    text = [b"with \0 NUL", b'{"log":"lone \\ud800 surrogate"}', b"\xff\xfe no UTF-8", b"two\nlines\n"]
    topics.produce(name, [*text, None, b"", b"\n", b"\x1f\x8b\x08\0gzip", huge, b"last"])

    source = open_source(name)
    got = read_lines(source, 6)
    quarantined = [each for fetched in got for each in fetched.quarantined]

    assert [*text[:3], b"two", b"lines", b"last"] == lines_of(got)
    assert [(7, QuarantineReason.UNREADABLE), (8, QuarantineReason.TOO_LARGE)] == [
        (each.first, each.reason) for each in quarantined
    ]
    assert 10_000_000 == quarantined[1].size_bytes
    assert (2, 1) == (source.counts.empty_count, source.counts.tombstone_count)
    assert 10 == got[-1].next_line


@pytest.mark.parametrize("is_checksum_right", [False, True], ids=["wrong checksum", "damaged compression"])
def test_batch_that_cannot_be_decoded_is_skipped(
    topics: Topics, open_source: OpenSource, broker: Broker, *, is_checksum_right: bool
) -> None:
    """It is set aside as a whole; what stands before it, behind it and in other partitions comes once."""
    name = topics.create(2)
    for beginning in (0, 100, 200):
        topics.produce(name, [b"line %d" % (beginning + number) for number in range(100)], codec="gzip")
    topics.produce(name, [b"other"], 1)
    bad = damage_batch(broker.data / f"{name}-0", 100, is_checksum_right=is_checksum_right)

    source = open_source(name)
    good = [number for number in range(300) if not bad[0] <= number <= bad[1]]
    got = read_lines(source, len(good) + 1)
    quarantined = [each for fetched in got for each in fetched.quarantined]

    assert {b"line %d" % number for number in good} | {b"other"} == set(lines_of(got))
    assert [(*bad, QuarantineReason.UNDECODABLE)] == [(each.first, each.last, each.reason) for each in quarantined]


@pytest.mark.parametrize(
    ("is_committed_only", "expected"),
    [(False, [b"1", b"2", b"taken back"]), (True, [b"1", b"2"])],
    ids=["everything", "committed only"],
)
def test_marks_of_transactions_are_neither_lag_nor_gap(
    topics: Topics, open_source: OpenSource, expected: list[bytes], *, is_committed_only: bool
) -> None:
    """They take offsets behind the last record; reading goes past them, so that retention of them is no loss."""
    name = topics.create()
    topics.produce_in_transaction(name, [b"1", b"2"], is_committed=True)
    topics.produce_in_transaction(name, [b"taken back"], is_committed=False)
    source = open_source(name, read_committed=is_committed_only)

    got = read_until(source, lambda _: source.status().is_caught_up)

    assert expected == lines_of(got)
    assert 5 == got[-1].next_line
    assert [] == [gap for each in got for gap in each.gaps]


def test_deleted_records_are_a_gap(topics: Topics, open_source: OpenSource) -> None:
    """They are told of, and nothing else is lost."""
    name = topics.create()
    topics.produce(name, [b"%d" % number for number in range(1000)])
    source = open_source(name)
    positions = positions_of(source, read_lines(source, 1000))
    source.close()
    topics.produce(name, [b"%d" % number for number in range(1000, 5000)])
    topics.delete_records(name, 4000)

    got = read_lines(open_source(name, positions=positions), 1000)
    gaps = [gap for each in got for gap in each.gaps]

    assert [b"%d" % number for number in range(4000, 5000)] == lines_of(got)
    assert [(1000, 3999, "retention")] == [(gap.first, gap.last, gap.reason) for gap in gaps]


def test_retention_that_deletes_unread_segments_is_a_gap(topics: Topics, open_source: OpenSource) -> None:
    """The broker's own cleaner, while nobody reads."""
    settings = {"segment.bytes": "1048576", "retention.bytes": "2000000", "file.delete.delay.ms": "100"}
    name = topics.create(settings=settings)
    source = open_source(name, max_poll_records=100)
    topics.produce(name, [b"%08d" % number + b"x" * 500 for number in range(100)])
    first = read_lines(source, 100)
    positions = positions_of(source, first)
    source.close()
    topics.produce(name, [b"%08d" % number + b"x" * 500 for number in range(100, 12_000)])
    kept_from: list[int] = []

    def is_deleted() -> None:
        again = open_source(name, positions=positions)
        got = read_until(again, bool)
        kept_from[:] = [gap.last or 0 for each in got for gap in each.gaps]
        again.close()
        assert kept_from

    retry(is_deleted)
    again = open_source(name, positions=positions)
    got = read_until(again, lambda got: bool(got) and got[-1].next_line == 12_000)
    (gap,) = [gap for each in got for gap in each.gaps]

    assert (100, "retention") == (gap.first, gap.reason)
    assert list(range((gap.last or 0) + 1, 12_000)) == [int(line[:8]) for line in lines_of(got)]


@pytest.mark.parametrize("new_count", [5, 300], ids=["shorter", "longer"])
def test_topic_made_again_is_read_from_its_beginning(topics: Topics, open_source: OpenSource, new_count: int) -> None:
    """It is told of, also where the new one holds more than had been read of the old one."""
    name = topics.create()
    topics.produce(name, [b"old %d" % number for number in range(100)])
    source = open_source(name)
    first = read_lines(source, 100)
    positions = positions_of(source, first)
    source.close()
    topics.delete(name)
    topics.create(1, name)
    values = [b"new %d" % number for number in range(new_count)]
    topics.produce(name, values)

    again = open_source(name, positions=positions)
    got = read_lines(again, new_count)

    assert values == lines_of(got)
    assert [(100, None, "topic_recreated")] == [(gap.first, gap.last, gap.reason) for each in got for gap in each.gaps]


def test_topic_made_again_while_reading(topics: Topics, open_source: OpenSource) -> None:
    """It does not come back by itself when it is gone, and that is said."""
    name = topics.create()
    topics.produce(name, [b"old"])
    source = open_source(name)
    read_lines(source, 1)
    topics.delete(name)
    read_until(source, lambda _: name in source.status().problem)
    topics.create(1, name)
    topics.produce(name, [b"new"])

    got = read_lines(source, 1)

    assert [b"new"] == lines_of(got)
    assert ["topic_recreated"] == [gap.reason for each in got for gap in each.gaps]
    assert "" == source.status().problem


def test_partitions_ahead_wait(topics: Topics, open_source: OpenSource) -> None:
    """In a catch-up, records of one time come together."""
    name = topics.create(2)
    start = int(time.time() * 1000) - 7200_000
    for partition in range(2):
        values = [b"%d" % number for number in range(20_000)]
        topics.produce(name, values, partition, codec="lz4", at=lambda number: start + number * 100)
    # Its clock stands still: where a machine stalls for ten seconds, a partition that gives nothing is not waited for.
    source = open_source(name, ahead_seconds=60.0, max_poll_records=100, monotonic=lambda: 0.0)

    newest = {f"{name}/0": start / 1000, f"{name}/1": start / 1000}
    apart = 0.0
    for fetched in read_lines(source, 40_000):
        if fetched.newest_at_seconds is not None:
            newest[fetched.stream] = fetched.newest_at_seconds
            apart = max(apart, max(newest.values()) - min(newest.values()))

    assert apart <= 60 + 10  # a poll holds ten seconds


# Being let in, and not


def _security(mechanism: Mechanism, username: str, password: str, protocol: Protocol, tls: Tls) -> KafkaSecurity:
    return KafkaSecurity(
        protocol=protocol,
        ca_file=str(tls.authority),
        mechanism=mechanism,
        username=username,
        password=Secret(password),
    )


@pytest.mark.parametrize("protocol", [Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL])
@pytest.mark.parametrize(
    ("mechanism", "username"),
    [(Mechanism.PLAIN, "reader"), (Mechanism.SCRAM_SHA_256, "scrammy"), (Mechanism.SCRAM_SHA_512, "scrammy")],
)
def test_user_and_password(
    topics: Topics,
    broker: Broker,
    tls: Tls,
    open_source: OpenSource,
    protocol: Protocol,
    mechanism: Mechanism,
    username: str,
) -> None:
    """Every mechanism reads, with TLS and without; Read on the topic is all that is needed."""
    name = topics.create()
    topics.produce(name, [b"hello"])
    topics.grant(username, name, AclOperation.READ)
    listener = "SASLSSL" if protocol is Protocol.SASL_SSL else "SASLPLAIN"
    security = _security(mechanism, username, "right", protocol, tls)

    source = open_source(name, bootstrap_servers=(broker.address(listener),), security=security)

    assert [b"hello"] == lines_of(read_lines(source, 1))


def test_token(topics: Topics, broker: Broker, open_source: OpenSource, tmp_path: Path) -> None:
    """OAUTHBEARER takes the token from a file."""
    name = topics.create()
    topics.produce(name, [b"hello"])
    topics.grant("bearer", name, AclOperation.READ)
    (tmp_path / "token").write_text(_unsigned_token("bearer"))
    security = KafkaSecurity(
        protocol=Protocol.SASL_PLAINTEXT, mechanism=Mechanism.OAUTHBEARER, token_file=str(tmp_path / "token")
    )

    source = open_source(name, bootstrap_servers=(broker.address("SASLPLAIN"),), security=security)

    assert [b"hello"] == lines_of(read_lines(source, 1))


def _unsigned_token(subject: str) -> str:
    claims = {"sub": subject, "iat": int(time.time()), "exp": int(time.time()) + 600}
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_certificate_of_the_client(topics: Topics, broker: Broker, tls: Tls, open_source: OpenSource) -> None:
    """Brokers may ask for one."""
    name = topics.create()
    topics.produce(name, [b"hello"])
    security = KafkaSecurity(
        protocol=Protocol.SSL,
        ca_file=str(tls.authority),
        certificate_file=str(tls.client_certificate),
        key_file=str(tls.client_key),
    )

    source = open_source(name, bootstrap_servers=(broker.address("MTLS"),), security=security)

    assert [b"hello"] == lines_of(read_lines(source, 1))


def _refusals(tls: Tls) -> dict[str, tuple[str, KafkaSecurity, str]]:
    plain = {"protocol": Protocol.SASL_PLAINTEXT, "tls": tls}
    return {
        "wrong password, PLAIN": (
            "SASLPLAIN",
            _security(Mechanism.PLAIN, "reader", "wrong-pw", **plain),
            "user reader (PLAIN) was refused: Authentication failed",
        ),
        "wrong password, SCRAM": (
            "SASLSSL",
            _security(Mechanism.SCRAM_SHA_512, "scrammy", "wrong-pw", Protocol.SASL_SSL, tls),
            "user scrammy (SCRAM-SHA-512) was refused: Authentication failed",
        ),
        "mechanism not offered": (
            "ONLYPLAIN",
            _security(Mechanism.SCRAM_SHA_512, "scrammy", "right", **plain),
            "does not offer the mechanism SCRAM-SHA-512; it offers: PLAIN",
        ),
        "wrong CA": (
            "SSL",
            KafkaSecurity(protocol=Protocol.SSL, ca_file=str(tls.other_authority)),
            "the broker's certificate is not accepted: unable to get local issuer certificate; set security.ca_file",
        ),
        "no client certificate": (
            "MTLS",
            KafkaSecurity(protocol=Protocol.SSL, ca_file=str(tls.authority)),
            "does it ask for a client's certificate? Set security.certificate_file",
        ),
        "TLS at a clear port": (
            "PLAINTEXT",
            KafkaSecurity(protocol=Protocol.SSL, ca_file=str(tls.authority)),
            "check port and security.protocol",
        ),
    }


REFUSALS = (
    "wrong password, PLAIN",
    "wrong password, SCRAM",
    "mechanism not offered",
    "wrong CA",
    "no client certificate",
    "TLS at a clear port",
)


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_names_its_reason(topics: Topics, broker: Broker, tls: Tls, open_source: OpenSource, case: str) -> None:
    """At once, with the exit code of a wrong configuration, and without the password."""
    listener, security, expected = _refusals(tls)[case]
    with pytest.raises(SourceRefusedError) as caught:
        open_source("some-topic", bootstrap_servers=(broker.address(listener),), security=security)

    assert expected in str(caught.value)
    assert "wrong-pw" not in str(caught.value)
    assert 2 == caught.value.exit_code


def test_clear_text_at_a_tls_port(broker: Broker, open_source: OpenSource) -> None:
    """It may be a broker that is just starting, so it is waited for; then the guess is told."""
    with pytest.raises(SourceError, match="does it expect TLS"):
        open_source("some-topic", bootstrap_servers=(broker.address("SSL"),), connect_seconds=0.5)


def test_missing_topic(open_source: OpenSource) -> None:
    """A topic that was named has to exist."""
    with pytest.raises(SourceRefusedError, match="topic no-such: there is no such topic"):
        open_source("no-such")


@pytest.mark.parametrize(
    ("user", "right", "expected"),
    [("nobody", None, "right Describe"), ("describer", AclOperation.DESCRIBE, "right Read")],
)
def test_missing_rights(
    topics: Topics,
    broker: Broker,
    tls: Tls,
    open_source: OpenSource,
    user: str,
    right: AclOperation | None,
    expected: str,
) -> None:
    """The right that is missing is named."""
    name = topics.create()
    if right is not None:
        topics.grant(user, name, right)
    security = _security(Mechanism.PLAIN, user, "right", Protocol.SASL_PLAINTEXT, tls)

    with pytest.raises(SourceRefusedError, match=expected):
        open_source(name, bootstrap_servers=(broker.address("SASLPLAIN"),), security=security)


def test_missing_right_to_the_group_is_a_problem_and_no_end(
    topics: Topics, broker: Broker, tls: Tls, open_source: OpenSource
) -> None:
    """Positions are in the store; the group is for lag tools only."""
    name = topics.create()
    topics.produce(name, [b"hello"])
    topics.grant("reader", name, AclOperation.READ)
    security = _security(Mechanism.PLAIN, "reader", "right", Protocol.SASL_PLAINTEXT, tls)
    source = open_source(name, bootstrap_servers=(broker.address("SASLPLAIN"),), security=security, group="forbidden")

    got = read_lines(source, 1)
    source.acknowledge({f"{name}/0": 1})

    assert [b"hello"] == lines_of(got)
    read_until(source, lambda _: "GroupAuthorizationFailed" in source.status().problem)
