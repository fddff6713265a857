"""What a store promises, whatever database is below it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import func, select

from pipeline.errors import ClaimLostError, StoreError
from pipeline.store.records import Area, Commit, Gap, Quarantined, QuarantineReason
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from pipeline.store.tables import gaps, incidents, losses, outbox, quarantine
from tests.pipeline.store.killed_writer import kill_writer
from tests.pipeline.store.samples import CLAIMED, NOW, batch, incident, part, position


def loaded(store: SqlStore) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Positions by stream, and parts by name."""
    with store.load() as snapshot:
        return (
            {one.stream: one.value for one in snapshot.positions},
            {one.name: one.value or b"" for one in snapshot.parts},
        )


def rows_of(store: SqlStore, *columns: object) -> list[tuple[object, ...]]:
    """Rows of a table, by its number."""
    with store.database.reading("look") as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


class StoreContract:
    """Tests for every database; the fixture `settings` is of an empty one."""

    @pytest.fixture
    def store(self, settings: StoreSettings) -> Iterator[SqlStore]:
        store = SqlStore.open(settings)
        yield store
        store.close()

    @pytest.fixture
    def epoch(self, store: SqlStore) -> int:
        claim = store.claim("one", CLAIMED)
        assert claim is not None
        return claim.epoch

    def test_nothing_is_in_an_empty_one(self, store: SqlStore) -> None:
        assert ({}, {}) == loaded(store)

    def test_what_was_committed_is_loaded(self, store: SqlStore, epoch: int) -> None:
        commit = Commit(at=NOW, parts=(part("a"), part("b", b"")), positions=(position("logs/0", 7),))
        store.commit(commit, epoch)
        with store.load() as snapshot:
            assert (commit.positions, [*commit.parts]) == (snapshot.positions, sorted(snapshot.parts, key=str))

    def test_parts_of_other_areas_and_owners_are_others(self, store: SqlStore, epoch: int) -> None:
        one = part("a")
        parts = (one, msgspec.structs.replace(one, area=Area.READER), msgspec.structs.replace(one, owner="eu-2"))
        store.commit(Commit(at=NOW, parts=parts), epoch)
        with store.load() as snapshot:
            assert set(parts) == set(snapshot.parts)

    def test_last_value_of_a_part_counts_also_within_a_commit(self, store: SqlStore, epoch: int) -> None:
        store.commit(Commit(at=NOW, parts=(part("a", b"1"), part("b", b"1"), part("c", b"1"))), epoch)
        store.commit(
            Commit(at=NOW, parts=(part("a", b"2"), part("a", b"3"), part("b", None), part("d", None), part("d"))), epoch
        )
        assert {"a": b"3", "c": b"1", "d": b"\x00\xff"} == loaded(store)[1]

    def test_thousands_of_parts_are_loaded(self, store: SqlStore, epoch: int) -> None:
        store.commit(batch(1, parts=2500), epoch)
        assert 2500 == len(loaded(store)[1])

    def test_incident_is_kept_as_it_is_last(self, store: SqlStore, epoch: int) -> None:
        store.commit(Commit(at=NOW, incidents=(incident(revision=1), incident(revision=2))), epoch)
        assert [("open", 2, "tls.expired", msgspec.json.encode(incident(revision=2)))] == rows_of(
            store, incidents.c.status, incidents.c.revision, incidents.c.failure_class, incidents.c.body
        )

    def test_every_transition_is_in_the_outbox_in_its_order(self, store: SqlStore, epoch: int) -> None:
        changes = (incident("aa", revision=1), incident("bb", revision=1), incident("aa", revision=2))
        store.commit(Commit(at=NOW, incidents=changes, unnotified=frozenset({"bb"})), epoch)
        assert [
            ("aa", 1, "opened", False, msgspec.json.encode(changes[0])),
            ("bb", 1, "opened", True, msgspec.json.encode(changes[1])),
            ("aa", 2, "updated", False, msgspec.json.encode(changes[2])),
        ] == sorted(
            rows_of(
                store, outbox.c.incident_id, outbox.c.revision, outbox.c.transition, outbox.c.is_muted, outbox.c.body
            ),
            key=lambda row: (row[1], row[0]),
        )

    def test_refreshed_incident_is_told_to_nobody(self, store: SqlStore, epoch: int) -> None:
        store.commit(Commit(at=NOW, incidents=(incident(),)), epoch)
        newer = msgspec.structs.replace(incident(), title="now with facts")
        store.commit(Commit(at=NOW, refreshed=(newer,)), epoch)
        assert [("now with facts",)] == rows_of(store, incidents.c.title)
        assert [(1,)] == rows_of(store, func.count(outbox.c.id))

    def test_commit_that_fails_leaves_nothing(self, store: SqlStore, epoch: int) -> None:
        """The second one repeats a revision: the outbox refuses it after parts and positions were written."""
        store.commit(batch(1), epoch)
        before = loaded(store)
        with pytest.raises(StoreError, match="cannot commit"):
            store.commit(msgspec.structs.replace(batch(2), incidents=(incident(revision=1),)), epoch)
        assert before == loaded(store)
        store.commit(batch(2), epoch)

    @pytest.mark.parametrize(
        "hostile",
        [Commit(at=NOW, parts=(part("\ud800"),)), Commit(at=NOW, gaps=(Gap("kafka", "logs/0", 0, 1 << 70, "x", "x"),))],
        ids=["lone surrogate", "number of 70 bits"],
    )
    def test_what_no_database_takes_is_refused_for_good(self, store: SqlStore, epoch: int, hostile: Commit) -> None:
        """It is not told as an outage, which would be waited out for ever."""
        store.commit(batch(1), epoch)
        with pytest.raises(StoreError) as caught:
            store.commit(hostile, epoch)
        assert StoreError is type(caught.value)
        assert b"1" == loaded(store)[1]["key 0"]
        store.commit(batch(2), epoch)

    def test_zombie_cannot_commit(self, store: SqlStore, epoch: int) -> None:
        store.commit(batch(1), epoch)
        store.release(epoch)
        newer = store.claim("two", CLAIMED)
        assert newer is not None
        with pytest.raises(ClaimLostError, match=f"two under epoch {newer.epoch}"):
            store.commit(batch(2), epoch)
        with pytest.raises(ClaimLostError):
            store.renew(epoch, CLAIMED)
        store.release(epoch)  # of a claim that is lost already: nothing
        assert b"1" == loaded(store)[1]["key 0"]
        store.commit(batch(2), newer.epoch)

    def test_renewed_claim_is_the_same_and_lasts_longer(self, store: SqlStore, epoch: int) -> None:
        first, second = store.renew(epoch, 1.0), store.renew(epoch, CLAIMED)
        assert (epoch, "one") == (second.epoch, second.owner)
        assert second.expires_at > first.expires_at

    def test_quarantine_keeps_the_newest_and_counts_all(self, settings: StoreSettings) -> None:
        store = SqlStore.open(msgspec.structs.replace(settings, max_quarantined=3))
        claim = store.claim("one", CLAIMED)
        assert claim is not None
        for first in (0, 10):
            records = tuple(
                Quarantined("kafka", "logs/0", offset, offset + 1, QuarantineReason.TOO_LARGE, "too large")
                for offset in range(first, first + 10, 2)
            )
            lost = tuple(
                Gap("kafka", "logs/0", offset, None, "retention", "gone") for offset in range(first, first + 5)
            )
            store.commit(Commit(at=NOW, quarantined=records, gaps=lost), claim.epoch)
        assert [(14,), (16,), (18,)] == sorted(rows_of(store, quarantine.c["first"]))
        assert [(12,), (13,), (14,)] == sorted(rows_of(store, gaps.c["first"]))
        assert [("gap", "retention", 10), ("quarantine", "too_large", 20)] == sorted(
            rows_of(store, losses.c.kind, losses.c.reason, losses.c.count)
        )
        store.close()

    def test_text_that_no_database_takes_is_made_safe(self, store: SqlStore, epoch: int) -> None:
        hostile = Quarantined("kafka", "logs/0", 1, 1, QuarantineReason.FAILED, "a\x00b", sample="\ud800\x1b[31mred")
        store.commit(Commit(at=NOW, quarantined=(hostile,)), epoch)
        assert [("ab", "\ufffdred")] == rows_of(store, quarantine.c.detail, quarantine.c.sample)

    def test_process_killed_within_a_commit_leaves_what_was_before(self, settings: StoreSettings) -> None:
        """It dies when parts and positions of the third batch are written, and its incidents are not."""
        assert 2 == kill_writer(settings, in_batch=3)
        assert 2 == _number_of(settings)

    @pytest.mark.parametrize("after_batch", [1, 2, 3])
    def test_process_killed_at_any_moment_leaves_one_batch_as_a_whole(
        self, settings: StoreSettings, after_batch: int
    ) -> None:
        """What it has told of is there; of the batch after it everything or nothing."""
        told = kill_writer(settings, after_batch=after_batch)
        assert _number_of(settings) >= told


def _number_of(settings: StoreSettings) -> int:
    """The number that everything in the store says, after the next process has taken over."""
    store = SqlStore.open(settings)
    claim = None
    while claim is None:  # until the database has seen that the other process is gone
        claim = store.claim("next", CLAIMED)
    streams, parts = loaded(store)
    revisions = rows_of(store, incidents.c.revision)
    told = rows_of(store, func.max(outbox.c.revision), func.count(outbox.c.id))
    store.close()
    (number,) = {int(value) for value in parts.values()}
    assert {b'{"offset":%d}' % number} == set(streams.values())
    assert ([(number,)], [(number, number)]) == (revisions, told)
    return number
