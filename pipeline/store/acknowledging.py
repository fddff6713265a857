"""Somebody has seen an incident: the only thing that is written besides the daemon."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import insert

from parsers.text import scrub
from pipeline.store.connections import Database
from pipeline.store.queries import Acknowledgement
from pipeline.store.tables import acknowledgements

MAX_COMMENT_CHARS = 2000
MAX_AUTHOR_CHARS = 200


def acknowledge(database: Database, incident_id: str, *, author: str, comment: str) -> Acknowledgement:
    """Note who has seen an incident that is there. It changes nothing of the incident itself.

    Raises:
        StoreUnavailableError: Nothing was noted.
        StoreError: There is no such incident any more.
    """
    note = Acknowledgement(
        author=scrub(author)[:MAX_AUTHOR_CHARS],
        comment=scrub(comment)[:MAX_COMMENT_CHARS],
        created_at=datetime.now(UTC),
    )
    with database.writing("acknowledge the incident") as connection:
        connection.execute(
            insert(acknowledgements).values(
                incident_id=incident_id, author=note.author, comment=note.comment, created_at=note.created_at
            )
        )
    return note
