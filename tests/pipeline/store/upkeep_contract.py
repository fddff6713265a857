"""What people and operators may ask of a store, whatever database is below it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import delete, func, text, update

from pipeline.errors import ClaimLostError, StoreError, UsageError
from pipeline.store.acknowledging import acknowledge
from pipeline.store.queries import IncidentFilter, IncidentQueries, LossCount, OpenCount
from pipeline.store.records import Commit, Gap, Quarantined, QuarantineReason
from pipeline.store.settings import StoreSettings
from pipeline.store.store import SqlStore
from pipeline.store.tables import acknowledgements, claims, incidents, outbox
from pipeline.store.upkeep import check, vacuum
from tests.pipeline.store.contract import rows_of
from tests.pipeline.store.samples import CLAIMED, NOW, incident

DAY = timedelta(days=1)
FILTERS = {
    "everything": (IncidentFilter(), ["cc", "bb", "aa"]),
    "status": (IncidentFilter(statuses=("open",)), ["cc", "aa"]),
    "two statuses": (IncidentFilter(statuses=("open", "resolved")), ["cc", "bb", "aa"]),
    "severity": (IncidentFilter(severities=("warning",)), ["cc"]),
    "class": (IncidentFilter(classes=("tls.expired",)), ["cc", "bb", "aa"]),
    "kind": (IncidentFilter(kinds=("drift",)), []),
    "cluster": (IncidentFilter(clusters=("eu-2",)), ["aa"]),
    "changed since": (IncidentFilter(since=NOW + DAY), ["cc", "bb"]),
    "opened before": (IncidentFilter(until=NOW + DAY), ["aa"]),
    "together": (IncidentFilter(statuses=("open",), since=NOW + DAY), ["cc"]),
}
DAMAGES = {
    "rows without an incident": (delete(incidents), "outbox: 3 rows belong to incidents that are not there"),
    "incident that cannot be read": (
        update(incidents).where(incidents.c.id == "aa").values(body=b"{"),
        "incidents: incident aa cannot be read",
    ),
    "columns that say something else": (
        update(incidents).where(incidents.c.id == "aa").values(status="merged"),
        "incidents: incident aa: its columns say something else",
    ),
    "no claim": (delete(claims), "claims: there has to be one claim"),
    "missing index": (text("DROP INDEX ix_outbox_created_at"), "tables: not as they should be"),
}


def days_later(identity: str, days: int, **others: object) -> Commit:
    """A commit with an incident that was opened and changed so much later."""
    one = incident(identity)
    at = one.opened_at + days * DAY
    return Commit(at=at, incidents=(msgspec.structs.replace(one, opened_at=at, updated_at=at, **others),))


class UpkeepContract:
    """Tests for every database; the fixture `settings` is of an empty one."""

    @pytest.fixture
    def store(self, settings: StoreSettings) -> Iterator[SqlStore]:
        """Three incidents, a day apart."""
        store = SqlStore.open(settings)
        epoch = self.epoch_of(store)
        store.commit(days_later("aa", 0, cluster="eu-2"), epoch)
        store.commit(days_later("bb", 1, status="resolved", resolved_at=NOW + 2 * DAY), epoch)
        store.commit(days_later("cc", 2, severity="warning"), epoch)
        yield store
        store.close()

    @pytest.fixture
    def queries(self, store: SqlStore) -> IncidentQueries:
        return IncidentQueries(store.database)

    @staticmethod
    def epoch_of(store: SqlStore) -> int:
        claim = store.claim("one", CLAIMED)
        assert claim is not None
        store.release(claim.epoch)  # so that the next one finds it free; the epoch stays
        return claim.epoch

    @pytest.mark.parametrize(("chosen", "found"), FILTERS.values(), ids=FILTERS)
    def test_list_is_filtered(self, queries: IncidentQueries, chosen: IncidentFilter, found: list[str]) -> None:
        assert found == [row.id for row in queries.list_rows(chosen, limit=10)]
        assert found[::-1] == [one.id for one in queries.read_incidents(chosen)]

    def test_list_goes_on_page_by_page(self, store: SqlStore, queries: IncidentQueries) -> None:
        """Also where incidents were opened at the same time."""
        epoch = self.epoch_of(store)
        for identity in ("ca", "cb", "cd"):
            store.commit(days_later(identity, 2), epoch)
        pages, last = [], None
        while rows := queries.list_rows(IncidentFilter(), limit=2, after=last):
            pages.append([row.id for row in rows])
            last = rows[-1].id
        assert [["cd", "cc"], ["cb", "ca"], ["bb", "aa"]] == pages

    def test_incident_is_found_by_how_its_id_begins(self, queries: IncidentQueries) -> None:
        assert "bb" == queries.find("b").id

    @pytest.mark.parametrize("prefix", ["d", "", "%", "B", "a_", "\x00"])
    def test_incident_that_is_not_there_is_a_usage_error(self, queries: IncidentQueries, prefix: str) -> None:
        with pytest.raises(UsageError, match="no incident has an id that begins with"):
            queries.find(prefix)

    def test_id_that_begins_several_is_refused_with_their_names(
        self, store: SqlStore, queries: IncidentQueries
    ) -> None:
        store.commit(days_later("a1", 0), self.epoch_of(store))
        with pytest.raises(UsageError, match=r"several incidents .*: a1, aa"):
            queries.find("a")

    def test_acknowledgements_are_kept_and_the_newest_is_listed(
        self, store: SqlStore, queries: IncidentQueries
    ) -> None:
        first = acknowledge(store.database, "aa", author="ann", comment="looking")
        second = acknowledge(store.database, "aa", author="bob\x00", comment="\ud800 mine now")
        assert (first, second) == queries.read_acknowledgements("aa")
        assert [None, None, "bob"] == [row.acknowledged_by for row in queries.list_rows(IncidentFilter(), limit=9)]

    def test_incident_that_is_gone_cannot_be_acknowledged(self, store: SqlStore) -> None:
        with pytest.raises(StoreError):
            acknowledge(store.database, "dd", author="ann", comment="")

    def test_history_has_every_change(self, store: SqlStore, queries: IncidentQueries) -> None:
        store.commit(Commit(at=NOW, incidents=(incident("aa", revision=2),)), self.epoch_of(store))
        assert [(1, "opened"), (2, "updated")] == [(one.revision, one.transition) for one in queries.read_history("aa")]

    def test_open_incidents_and_losses_are_counted(self, store: SqlStore, queries: IncidentQueries) -> None:
        record = Quarantined("kafka", "logs/0", 3, 5, QuarantineReason.TOO_LARGE, "too large")
        gap = Gap("kafka", "logs/0", 1, 2, "retention", "gone")
        store.commit(Commit(at=NOW, quarantined=(record,), gaps=(gap,)), self.epoch_of(store))
        assert (
            OpenCount("stuck", "critical", "tls.expired", 1),
            OpenCount("stuck", "warning", "tls.expired", 1),
        ) == queries.count_open()
        assert (
            LossCount("gap", "kafka", "retention", 2),
            LossCount("quarantine", "kafka", "too_large", 3),
        ) == queries.count_losses()

    def test_what_ended_long_ago_is_deleted_with_all_that_hangs_on_it(self, store: SqlStore) -> None:
        """Open incidents stay, however old."""
        acknowledge(store.database, "bb", author="ann", comment="")
        epoch = self.epoch_of(store)
        assert 0 == store.delete_expired(NOW, epoch)
        store.delete_expired(NOW + 3 * DAY, epoch)
        assert [("aa",), ("cc",)] == sorted(rows_of(store, incidents.c.id))
        assert [(0,)] == rows_of(store, func.count(acknowledgements.c.id))
        assert ("bb",) not in rows_of(store, outbox.c.incident_id)

    def test_deletion_is_bounded_and_goes_on(self, store: SqlStore) -> None:
        epoch = self.epoch_of(store)
        assert [1, 1, 1, 0] == [store.delete_expired(NOW + 3 * DAY, epoch, limit=1) for _ in range(4)]

    def test_zombie_deletes_nothing(self, store: SqlStore) -> None:
        epoch = self.epoch_of(store)
        self.epoch_of(store)
        with pytest.raises(ClaimLostError):
            store.delete_expired(NOW + 3 * DAY, epoch)
        assert 3 == len(rows_of(store, incidents.c.id))

    def test_sound_store_has_no_problem(self, store: SqlStore) -> None:
        assert () == check(store.database)

    @pytest.mark.parametrize(("damage", "complaint"), DAMAGES.values(), ids=DAMAGES)
    def test_damage_is_named(self, store: SqlStore, damage: object, complaint: str) -> None:
        with store.database.alone("damage it") as connection:
            connection.execute(text(self.without_foreign_keys))
            connection.execute(damage)
        assert any(f"{one.where}: {one.what}".startswith(complaint) for one in check(store.database))

    without_foreign_keys: str
    """The statement that switches foreign keys off."""

    def test_vacuum_gives_space_back_and_keeps_everything(self, store: SqlStore) -> None:
        assert vacuum(store.database).after > 0
        assert 3 == len(rows_of(store, incidents.c.id))
