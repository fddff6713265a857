"""What the source makes of what the brokers have: places, gaps, batches that cannot be decoded, outages."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import ConfigurationError, SourceError, SourceRefusedError
from pipeline.sources.live import StreamLag
from pipeline.store.records import QuarantineReason
from tests.pipeline.sources.kafka.fake_clients import (
    START,
    Clock,
    FakeKafka,
    FakeTopic,
    lines_of,
    make_source,
    positions_of,
    read_all,
)


def _numbers(*, first: int = 0, count: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


def _written(count: int, partition_count: int = 1) -> tuple[FakeTopic, FakeKafka]:
    topic = FakeTopic(partition_count)
    topic.write(*_numbers(count=count))
    return topic, FakeKafka(logs=topic)


def test_position_says_of_which_topic_and_cluster_it_is() -> None:
    """An offset alone means nothing."""
    topic, kafka = _written(3)
    source = make_source(kafka)
    source.start({})

    assert {"offset": 3, "topic_id": topic.id, "cluster_id": "cluster-1"} == json.loads(source.position("logs/0", 3))


@pytest.mark.parametrize(
    ("start", "expected"),
    [("earliest", [b"0", b"1", b"2"]), ("latest", []), ("2026-09-21T14:13:21Z", [b"1", b"2"])],
)
def test_first_start(start: str, expected: list[bytes]) -> None:
    """The setting decides where nothing was ever read."""
    topic = FakeTopic()
    topic.write(*_numbers(count=3), step=1000)
    kafka = FakeKafka(logs=topic)
    source = make_source(kafka, start=start)
    source.start({})

    assert expected == lines_of(read_all(source))


def test_place_of_the_first_start_is_handed_out() -> None:
    """A partition without records has a position to store, too."""
    source = make_source(FakeKafka(logs=FakeTopic(2)))
    source.start({})

    assert [("logs/0", 0), ("logs/1", 0)] == [(each.stream, each.next_line) for each in read_all(source)]


def test_starting_again_goes_back() -> None:
    """After a commit that failed, everything behind the stored positions comes again."""
    _, kafka = _written(6)
    source = make_source(kafka)
    source.start({})
    got = read_all(source)
    stored = {"logs/0": source.position("logs/0", 2)}

    source.start(stored)

    assert _numbers(first=2, count=4) == lines_of(read_all(source))
    assert 6 == len(lines_of(got))


def test_first_commit_that_fails_loses_nothing() -> None:
    """The end at which reading began is remembered until it is stored."""
    topic, kafka = _written(3)
    source = make_source(kafka, start="latest")
    source.start({})
    topic.write(b"new")
    source.observe()
    first = lines_of(read_all(source))

    source.start({})

    assert [b"new"] == first == lines_of(read_all(source))


def test_partition_added_while_away_is_read_from_its_beginning() -> None:
    """Its topic was read before, so nothing in it is old news."""
    topic, kafka = _written(1)
    source = make_source(kafka, start="latest")
    source.start({})
    stored = positions_of(source, read_all(source))
    topic.logs.append([])
    topic.starts.append(0)
    topic.write(b"new", partition=1)

    again = make_source(kafka, start="latest")
    again.start(stored)

    assert [b"new"] == lines_of(read_all(again))


def test_topic_added_to_the_configuration_starts_as_set() -> None:
    """It may be years old."""
    _, kafka = _written(1)
    kafka.topics["more"] = FakeTopic()
    kafka.topics["more"].write(b"old")
    source = make_source(kafka, start="latest", topics=("logs", "more"))
    source.start({"logs/0": b'{"offset":1}'})

    assert [] == lines_of(read_all(source))


def test_topic_of_a_pattern_made_while_away_is_read_from_its_beginning() -> None:
    """It was not there to be read."""
    _, kafka = _written(1)
    kafka.topics["logs-b"] = FakeTopic()
    kafka.topics["logs-b"].write(b"new")
    kafka.topics["other"] = FakeTopic()
    kafka.topics["other"].write(b"not ours")
    source = make_source(kafka, start="latest", topic_pattern="logs.*")
    source.start({"logs/0": b'{"offset":1}'})

    assert [b"new"] == lines_of(read_all(source))


def test_new_partition_and_topic_while_reading() -> None:
    """Both are read from their beginning."""
    topic, kafka = _written(1)
    source = make_source(kafka, start="latest", topic_pattern="logs.*")
    source.start({})
    read_all(source)
    topic.logs.append([])
    topic.starts.append(0)
    topic.write(b"new partition", partition=1)
    kafka.topics["logs-b"] = FakeTopic()
    kafka.topics["logs-b"].write(b"new topic")

    source.observe()

    assert {b"new partition", b"new topic"} == set(lines_of(read_all(source)))


@pytest.mark.parametrize("is_running", [True, False], ids=["while reading", "while away"])
def test_retention_is_a_gap(*, is_running: bool) -> None:
    """What was deleted before it was read is told with its offsets; what is left is read."""
    topic, kafka = _written(10)
    source = make_source(kafka)
    source.start({"logs/0": b'{"offset":0}'})
    first = source.read(0.0)
    assert first is not None
    topic.starts[0] = 7
    if not is_running:
        source.start(positions_of(source, [first]))

    got = read_all(source)

    assert [(2, 6, "retention")] == [(gap.first, gap.last, gap.reason) for each in got for gap in each.gaps]
    assert _numbers(first=7, count=3) == lines_of(got)


@pytest.mark.parametrize("new_count", [1, 5], ids=["shorter", "longer"])
@pytest.mark.parametrize("is_running", [True, False], ids=["while reading", "while away"])
def test_topic_made_again_is_a_gap(new_count: int, *, is_running: bool) -> None:
    """Also where the position exists in the new topic: ids tell."""
    _, kafka = _written(3)
    source = make_source(kafka)
    source.start({})
    stored = positions_of(source, read_all(source))
    kafka.topics["logs"] = FakeTopic()
    kafka.topics["logs"].write(*_numbers(first=100, count=new_count))
    if is_running:
        source.observe()
    else:
        source = make_source(kafka)
        source.start(stored)

    got = read_all(source)

    assert [(3, None, "topic_recreated")] == [(gap.first, gap.last, gap.reason) for each in got for gap in each.gaps]
    assert _numbers(first=100, count=new_count) == lines_of(got)


@pytest.mark.parametrize("is_running", [True, False], ids=["while reading", "while away"])
def test_topic_made_again_with_fewer_partitions(*, is_running: bool) -> None:
    """The partition that is gone is told of, once."""
    _, kafka = _written(1, partition_count=2)
    source = make_source(kafka)
    source.start({})
    stored = positions_of(source, read_all(source))
    kafka.topics["logs"] = FakeTopic()
    if is_running:
        source.observe()
    else:
        source = make_source(kafka)
        source.start(stored)
    got = read_all(source)
    gaps = [gap.stream for each in got for gap in each.gaps]

    again = make_source(kafka)
    again.start(stored | positions_of(source, got))

    assert ["logs/0", "logs/1"] == sorted(gaps)
    assert [] == [gap for each in read_all(again) for gap in each.gaps]


def test_other_cluster_is_a_gap() -> None:
    """The same names, other brokers: no offset means anything."""
    _, kafka = _written(3)
    source = make_source(kafka)
    source.start({"logs/0": b'{"offset":2,"topic_id":"","cluster_id":"cluster-0"}'})

    got = read_all(source)

    assert ["other_cluster"] == [gap.reason for each in got for gap in each.gaps]
    assert _numbers(count=3) == lines_of(got)


def test_topic_made_again_is_told_once() -> None:
    """Also where reading runs into its end before anybody has looked which topic it is."""
    _, kafka = _written(10)
    source = make_source(kafka)
    source.start({})
    read_all(source)
    again = kafka.topics["logs"] = FakeTopic()
    again.write(*_numbers(count=3))

    unnoticed = read_all(source)
    source.observe()
    got = read_all(source)

    assert [] == unnoticed
    assert ["topic_recreated"] == [gap.reason for each in got for gap in each.gaps]
    assert _numbers(count=3) == lines_of(got)


def test_log_that_became_shorter_is_a_gap() -> None:
    """Brokers lost what had been read; reading goes on behind what is left."""
    topic, kafka = _written(10)
    source = make_source(kafka)
    source.start({})
    read_all(source)
    del topic.logs[0][4:]

    got = read_all(source)
    topic.write(b"after")

    assert [(4, None, "log_truncated")] == [(gap.first, gap.last, gap.reason) for each in got for gap in each.gaps]
    assert [b"after"] == lines_of(read_all(source))


def test_deleted_topic_is_told_and_comes_back() -> None:
    """Meanwhile it is not asked for, so that nothing makes it again."""
    _, kafka = _written(1)
    source = make_source(kafka)
    source.start({})
    read_all(source)
    topic = kafka.topics.pop("logs")
    source.observe()
    read_all(source)
    problem = source.status().problem
    kafka.topics["logs"] = topic
    topic.write(b"again")
    source.observe()

    assert "topic logs: missing" == problem
    assert [b"again"] == lines_of(read_all(source))
    assert "" == source.status().problem


def test_batch_that_cannot_be_decoded_is_skipped_as_a_whole() -> None:
    """All around it comes once, other partitions included, and no reader is used after it has failed."""
    topic, kafka = _written(10, partition_count=3)
    topic.write(b"a", b"b", b"c", partition=1)
    topic.damage(4, 6)
    source = make_source(kafka)
    source.start({})

    got = read_all(source)
    quarantined = [each for fetched in got for each in fetched.quarantined]

    assert sorted([*_numbers(count=4), *_numbers(first=7, count=3), b"a", b"b", b"c"]) == sorted(lines_of(got))
    assert [("logs/0", 4, 6, QuarantineReason.UNDECODABLE)] == [
        (each.stream, each.first, each.last, each.reason) for each in quarantined
    ]
    assert 1 == source.counts.quarantined_count


def test_batches_that_cannot_be_decoded_follow_each_other() -> None:
    """In two partitions at once."""
    topic, kafka = _written(10, partition_count=2)
    topic.write(*_numbers(first=50, count=4), partition=1)
    for first, last, partition in ((0, 2, 0), (3, 5, 0), (8, 9, 0), (0, 1, 1)):
        topic.damage(first, last, partition)
    source = make_source(kafka)
    source.start({})

    got = read_all(source)

    assert [b"52", b"53", b"6", b"7"] == sorted(lines_of(got))
    assert 4 == len([each for fetched in got for each in fetched.quarantined])


def test_outage_is_silence_and_a_problem() -> None:
    """No error; afterwards reading goes on where it was."""
    topic, kafka = _written(3)
    clock = Clock()
    source = make_source(kafka, clock)
    source.start({})
    read_all(source)
    kafka.is_away = True

    silent = read_all(source)
    clock.seconds += 4 * 3600
    is_connected = source.status().is_connected
    kafka.is_away = False
    topic.write(b"after")
    source.observe()

    assert [] == silent
    assert not is_connected
    assert [b"after"] == lines_of(read_all(source))


def test_reader_that_gives_nothing_is_replaced() -> None:
    """The brokers hold records: it is the connection."""
    _, kafka = _written(3)
    clock = Clock()
    source = make_source(kafka, clock)
    source.start({})
    kafka.is_deaf = True
    read_all(source)
    clock.seconds += 31
    read_all(source)
    kafka.is_deaf = False

    assert _numbers(count=3) == lines_of(read_all(source))
    assert 2 == kafka.opened_readers


def test_lag_is_what_is_known() -> None:
    """Records from the end that brokers named, seconds from the last record that was handed out."""
    _, kafka = _written(4)
    source = make_source(kafka)
    source.start({})
    before = source.status().lags
    source.read(0.0)
    source.read(0.0)
    during = source.status()
    read_all(source)
    after = source.status()

    assert {"logs/0": StreamLag(4, None)} == before
    assert ({"logs/0": StreamLag(2, 3600.0)}, False) == (during.lags, during.is_caught_up)
    assert ({"logs/0": StreamLag(0, 0.0)}, True) == (after.lags, after.is_caught_up)


def test_partition_without_leader_is_placed_when_it_has_one() -> None:
    """As if it had been there at the start."""
    topic, kafka = _written(2, partition_count=2)
    topic.write(b"old", partition=1)
    topic.without_leader = {1}
    source = make_source(kafka, start="latest")
    source.start({})
    read_all(source)
    topic.without_leader = set()
    source.observe()
    read_all(source)
    topic.write(b"new", partition=1)

    assert [b"new"] == lines_of(read_all(source))


def test_partitions_take_turns_in_the_time_of_their_records() -> None:
    """None is more than the setting ahead of one that is behind."""
    topic = FakeTopic(2)
    for partition in range(2):
        topic.write(*_numbers(count=1000), partition=partition, step=1000)
    kafka = FakeKafka(logs=topic)
    kafka.read_together = 10
    source = make_source(kafka, ahead_seconds=60.0)
    source.start({})
    newest = {"logs/0": START / 1000, "logs/1": START / 1000}
    apart: list[float] = []

    for fetched in read_all(source):
        newest[fetched.stream] = fetched.newest_at_seconds or newest[fetched.stream]
        apart.append(abs(newest["logs/0"] - newest["logs/1"]))

    assert max(apart) <= 70


def test_missing_topic_is_refused() -> None:
    """With its name."""
    with pytest.raises(SourceRefusedError, match="kafka kafka: topic no-such: missing"):
        make_source(FakeKafka(), topics=("no-such",)).start({})


def test_position_that_is_none_is_refused() -> None:
    """Nothing is guessed."""
    _, kafka = _written(1)
    with pytest.raises(SourceError, match="stored position of logs/0 is none of a Kafka partition"):
        make_source(kafka).start({"logs/0": b"garbage"})


def test_brokers_that_are_away_at_the_start() -> None:
    """An error: who starts it decides about trying again."""
    kafka = FakeKafka(logs=FakeTopic())
    kafka.is_away = True
    with pytest.raises(SourceError, match="nobody is there"):
        make_source(kafka).start({})


@pytest.mark.parametrize(("slow_answers", "is_told"), [(1, False), (2, False), (3, True)])
def test_broker_that_is_slow_to_answer_at_the_start(slow_answers: int, *, is_told: bool) -> None:
    """It is asked three times before that is an error."""
    _, kafka = _written(3)
    kafka.slow_answers = slow_answers
    source = make_source(kafka)
    if is_told:
        with pytest.raises(SourceError, match="not answered in time"):
            source.start({})
    else:
        source.start({})
        assert source.status().is_connected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"topics": ()}, "set topics, or topic_pattern"),
        ({"topics": ("a",), "topic_pattern": "b"}, "set topics, or topic_pattern"),
        ({"bootstrap_servers": ()}, "name at least one broker"),
        ({"start": "yesterday"}, "expected latest, earliest or a time with a zone"),
        ({"start": "2026-11-24T08:00:00"}, "expected latest, earliest or a time with a zone"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, object], expected: str) -> None:
    """They are refused before anything is connected."""
    with pytest.raises(ConfigurationError, match=expected):
        make_source(FakeKafka(), **{"topics": ("logs",), **settings})
