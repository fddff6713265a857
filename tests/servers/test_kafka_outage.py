"""The Kafka source while its broker is away, killed, frozen, or not there yet."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from statistics import median

import pytest

from pipeline.errors import SourceError
from pipeline.sources.kafka.settings import KafkaSettings
from pipeline.sources.kafka.source import KafkaSource
from tests.servers.kafka_broker import Broker
from tests.servers.kafka_fixtures import MakeBroker
from tests.servers.kafka_topics import SECONDS, Topics, lines_of, read_lines, read_until
from tests.servers.ports import free_ports

pytestmark = [
    pytest.mark.servers,
    # kafka-python leaves the sockets of attempts to connect that failed to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning"),
]


@pytest.fixture(scope="module")
def one_broker(make_broker: MakeBroker) -> Broker:
    return make_broker()


@pytest.fixture
def mortal(one_broker: Broker) -> Iterator[Broker]:
    """A broker that may be killed."""
    yield one_broker
    one_broker.revive()
    gc.collect()  # the warnings above must not come in another test


def _source(broker: Broker, name: str) -> KafkaSource:
    address = (broker.address(),)
    more = {"start": "earliest", "observe_seconds": 0.3, "connect_seconds": 240.0}
    return KafkaSource(KafkaSettings(bootstrap_servers=address, topics=(name,), **more))  # type: ignore[arg-type]


def test_kill_and_restart_lose_nothing(mortal: Broker) -> None:
    """What was acknowledged before and after comes once; the outage is told; reading goes on by itself."""
    topics = Topics(mortal.address())
    name = topics.create(2)
    for partition in range(2):
        topics.produce(name, [b"%d-%d" % (partition, number) for number in range(5000)], partition)
    source = _source(mortal, name)
    source.start({})
    lines = lines_of(read_lines(source, 3000))

    mortal.kill()
    lines += lines_of(read_until(source, lambda _: not source.status().is_connected))
    assert "brokers do not answer" in source.status().problem
    mortal.start()
    topics.produce(name, [b"1-%d" % number for number in range(5000, 6000)], 1)
    lines += lines_of(read_lines(source, 11_000 - len(lines)))
    read_until(source, lambda _: source.status().is_caught_up)
    source.close()

    expected = {b"0-%d" % number for number in range(5000)} | {b"1-%d" % number for number in range(6000)}
    assert 11_000 == len(lines)
    assert expected == set(lines)


def test_frozen_broker_is_told_and_survived(mortal: Broker) -> None:
    """Connections stay open and nothing comes: neither reading nor closing waits for it."""
    topics = Topics(mortal.address())
    name = topics.create()
    topics.produce(name, [b"before"])
    source = _source(mortal, name)
    source.start({})
    read_lines(source, 1)

    mortal.freeze()
    took: list[float] = []
    deadline = time.monotonic() + SECONDS
    while source.status().is_connected:
        assert time.monotonic() < deadline
        began_at = time.monotonic()
        source.read(0.2)
        took.append(time.monotonic() - began_at)
    mortal.thaw()
    topics.produce(name, [b"after"])
    got = read_lines(source, 1)
    source.close()

    assert [b"after"] == lines_of(got)
    assert median(took) < 4  # not each: the machine may be busy


def test_close_does_not_wait_for_a_broker_that_is_gone(mortal: Broker) -> None:
    """Within seconds, whatever is on its way."""
    topics = Topics(mortal.address())
    source = _source(mortal, topics.create())
    source.start({})
    mortal.freeze()
    began_at = time.monotonic()

    source.close()

    assert time.monotonic() - began_at < 60


def test_broker_that_comes_late_is_waited_for(mortal: Broker) -> None:
    """Everything is started at once in a compose file."""
    topics = Topics(mortal.address())
    name = topics.create()
    topics.produce(name, [b"hello"])
    mortal.stop()
    source = _source(mortal, name)
    starting = threading.Thread(target=source.start, args=({},))
    starting.start()

    mortal.start()
    starting.join()
    got = read_lines(source, 1)
    source.close()

    assert [b"hello"] == lines_of(got)


def test_no_broker(free_port: int) -> None:
    """The reason is named and the code is that of a failure, not of a wrong configuration."""
    settings = KafkaSettings(bootstrap_servers=(f"127.0.0.1:{free_port}",), topics=("t",), connect_seconds=0.5)
    began_at = time.monotonic()
    with pytest.raises(SourceError, match="nothing listens there") as caught:
        KafkaSource(settings).start({})

    assert 1 == caught.value.exit_code
    assert time.monotonic() - began_at < 120


def test_brokers_that_name_themselves_wrongly(make_broker: MakeBroker) -> None:
    """The first contact succeeds, and everything after it fails: the address that cannot be reached is named."""
    broker = make_broker({"advertised.listeners": "PLAINTEXT://127.0.0.1:1"})
    source = KafkaSource(KafkaSettings(bootstrap_servers=(broker.address(),), topics=("t",)))

    with pytest.raises(SourceError, match=r"advertised\.listeners\): 127\.0\.0\.1:1: nothing listens there"):
        source.start({})
    broker.kill()
    gc.collect()


@pytest.fixture
def free_port() -> int:
    return free_ports(1)[0]
