"""The claim on writing: an epoch that grows with every owner, and a lease on the database's own clock.

PostgreSQL: who finds the lease lapsed takes over. The clocks of the machines do not matter, and may jump.
SQLite: the lock on the file decides who may write; the lease is only shown.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, literal, select, update

from pipeline.errors import ClaimLostError
from pipeline.store.records import Claim
from pipeline.store.tables import UtcTime, claims

_SCOPE = "daemon"


def take_claim(connection: Connection, owner: str, lease_seconds: float) -> Claim | None:
    """The claim, if nobody has it; never waits for anybody."""
    free = select(claims.c.scope).where(claims.c.scope == _SCOPE)
    if connection.dialect.name != "sqlite":
        free = free.where(claims.c.expires_at <= func.clock_timestamp()).with_for_update(skip_locked=True)
    found = connection.execute(
        update(claims)
        .where(claims.c.scope == free.scalar_subquery())
        .values(epoch=claims.c.epoch + 1, owner=owner, expires_at=_after(connection, lease_seconds))
        .returning(claims.c.epoch, claims.c.owner, claims.c.expires_at)
    ).one_or_none()
    return None if found is None else Claim(*found)


def renew_claim(connection: Connection, epoch: int, lease_seconds: float) -> Claim:
    """The claim, for longer.

    Raises:
        ClaimLostError: Somebody else has it.
    """
    found = connection.execute(
        update(claims)
        .where(claims.c.scope == _SCOPE, claims.c.epoch == epoch)
        .values(expires_at=_after(connection, lease_seconds))
        .returning(claims.c.epoch, claims.c.owner, claims.c.expires_at)
    ).one_or_none()
    if found is None:
        raise _lost(connection, epoch)
    return Claim(*found)


def release_claim(connection: Connection, epoch: int) -> None:
    """Let the next one in at once; nothing, where somebody else has it already."""
    connection.execute(
        update(claims)
        .where(claims.c.scope == _SCOPE, claims.c.epoch == epoch)
        .values(expires_at=_after(connection, 0.0))
    )


def count_commit(connection: Connection, epoch: int) -> None:
    """Go on only as the owner; nobody can take over before this transaction has ended.

    Raises:
        ClaimLostError: Somebody else has the claim.
    """
    changed = connection.execute(
        update(claims).where(claims.c.scope == _SCOPE, claims.c.epoch == epoch).values(commits=claims.c.commits + 1)
    )
    if changed.rowcount != 1:
        raise _lost(connection, epoch)


def require_epoch(connection: Connection, epoch: int) -> None:
    """Go on only as the owner, while nobody takes over: as `count_commit`, without a commit.

    Raises:
        ClaimLostError: Somebody else has the claim.
    """
    query = select(claims.c.epoch).where(claims.c.scope == _SCOPE, claims.c.epoch == epoch)
    if connection.scalar(query.with_for_update(read=True)) is None:
        raise _lost(connection, epoch)


def _lost(connection: Connection, epoch: int) -> ClaimLostError:
    now = connection.execute(select(claims.c.epoch, claims.c.owner).where(claims.c.scope == _SCOPE)).one_or_none()
    holder = "nobody" if now is None else f"{now.owner} under epoch {now.epoch}"
    return ClaimLostError(f"the claim on the store under epoch {epoch} is lost: {holder} has it")


def _after(connection: Connection, seconds: float) -> ColumnElement[datetime]:
    if connection.dialect.name == "sqlite":
        return literal(datetime.now(UTC) + timedelta(seconds=seconds), UtcTime)
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
