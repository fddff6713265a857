"""What is sent to receivers, what becomes of it, and silences."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _make_deliveries()
    op.create_table(
        "disabled_receivers",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("disabled_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_disabled_receivers"),
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("matchers", sa.Text, nullable=False),
        sa.Column("starts_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_silences"),
    )
    op.create_index("ix_silences_ends_at", "silences", ["ends_at"])


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("receiver", sa.Text, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("key_field", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("tried_since_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", _TIME),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_reason", sa.Text),
        sa.Column("last_detail", sa.Text),
        sa.Column("ended_at", _TIME),
        sa.PrimaryKeyConstraint("number", name="pk_deliveries"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_receiver_state_number", "deliveries", ["receiver", "state", "number"])
    op.create_index("ix_deliveries_state_ended_at", "deliveries", ["state", "ended_at"])
    op.create_table(
        "delivery_incidents",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("incident_id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("number", "incident_id", name="pk_delivery_incidents"),
        sa.ForeignKeyConstraint(
            ["number"], ["deliveries.number"], name="fk_delivery_incidents_number", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_delivery_incidents_incident_id", "delivery_incidents", ["incident_id"])
