"""The first schema.

MySQL commits at each CREATE, so a later migration holds one statement that changes the schema. This one starts on
an empty database: where it fails half way, start again on an empty one.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from core.storage.columns import UtcDateTime

revision = "0001"
down_revision = None

MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create every table and index."""
    op.create_table(
        "account_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_account_tokens"),
        **MYSQL,
    )
    op.create_index("ix_account_tokens_expires_at", "account_tokens", ["expires_at"])
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("session_version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
        **MYSQL,
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("dialogue", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("opted_out", sa.JSON(), nullable=False),
        sa.Column("unreachable", sa.String(length=32), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("channel", "address", name="uq_contacts_channel_address"),
        **MYSQL,
    )
    op.create_table(
        "delivery_reports",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("carrier_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("unreachable", sa.Boolean(), nullable=False),
        sa.Column("retry", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "carrier_id", "state", name="pk_delivery_reports"),
        **MYSQL,
    )
    op.create_index("ix_delivery_reports_at", "delivery_reports", ["at"])
    op.create_table(
        "opt_outs",
        sa.Column("contact_hash", sa.String(length=64), nullable=False),
        sa.Column("senders", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("contact_hash", name="pk_opt_outs"),
        **MYSQL,
    )
    op.create_table(
        "phone_numbers",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_phone_numbers"),
        **MYSQL,
    )
    op.create_table(
        "receipts",
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_receipts"),
        **MYSQL,
    )
    op.create_index("ix_receipts_expires_at", "receipts", ["expires_at"])
    op.create_table(
        "venues",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("day_starts_at", sa.String(length=5), nullable=False),
        sa.Column("phone_number", sa.String(length=20), nullable=True),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_venues"),
        **MYSQL,
    )
    op.create_index("ix_venues_phone_number", "venues", ["phone_number"])
    op.create_table(
        "memberships",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("venue_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_memberships_venue_id"),
        sa.PrimaryKeyConstraint("account_id", "venue_id", name="pk_memberships"),
        **MYSQL,
    )
    op.create_index("ix_memberships_venue_id", "memberships", ["venue_id"])
    op.create_table(
        "queues",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("venue_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("join_code", sa.String(length=20), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("called_message", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("largest_party", sa.Integer(), nullable=True),
        sa.Column("almost_there_at", sa.Integer(), nullable=False),
        sa.Column("no_show_minutes", sa.Integer(), nullable=True),
        sa.Column("grace_minutes", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("last_order_key", sa.BigInteger(), nullable=False),
        sa.Column("day_ends_at", UtcDateTime(), nullable=False),
        sa.Column("last_called_at", UtcDateTime(), nullable=True),
        sa.Column("pace_seconds", sa.Float(), nullable=False),
        sa.Column("pace_deviation_seconds", sa.Float(), nullable=False),
        sa.Column("pace_samples", sa.Integer(), nullable=False),
        sa.Column("last_action_version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_queues_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_queues"),
        sa.UniqueConstraint("join_code", name="uq_queues_join_code"),
        **MYSQL,
    )
    op.create_index("ix_queues_day_ends_at", "queues", ["day_ends_at"])
    op.create_index("ix_queues_venue_id", "queues", ["venue_id"])
    op.create_table(
        "events",
        sa.Column("queue_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("ticket_id", sa.String(length=32), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_kind", sa.String(length=8), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("call_number", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("relayed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_events_queue_id"),
        sa.PrimaryKeyConstraint("queue_id", "version", "ordinal", name="pk_events"),
        **MYSQL,
    )
    op.create_index("ix_events_ticket_id", "events", ["ticket_id"])
    op.create_index("ix_events_unrelayed", "events", ["relayed_at", "at"])
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("queue_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("guest_name", sa.String(length=100), nullable=False),
        sa.Column("party_size", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("contact_id", sa.String(length=32), nullable=True),
        sa.Column("sender", sa.String(length=20), nullable=True),
        sa.Column("added_by_staff", sa.Boolean(), nullable=False),
        sa.Column("active_key", sa.String(length=65), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("order_key", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("called_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("call_number", sa.Integer(), nullable=False),
        sa.Column("no_show_at", UtcDateTime(), nullable=True),
        sa.Column("almost_there_told", sa.Boolean(), nullable=False),
        sa.Column("last_notice_kind", sa.String(length=16), nullable=True),
        sa.Column("last_notice_state", sa.String(length=16), nullable=True),
        sa.Column("last_notice_at", UtcDateTime(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_tickets_contact_id"),
        sa.ForeignKeyConstraint(["queue_id"], ["queues.id"], name="fk_tickets_queue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("active_key", name="uq_tickets_active_key"),
        sa.UniqueConstraint("queue_id", "order_key", name="uq_tickets_queue_id_order_key"),
        sa.UniqueConstraint("token", name="uq_tickets_token"),
        **MYSQL,
    )
    op.create_index("ix_tickets_contact_id", "tickets", ["contact_id"])
    op.create_index("ix_tickets_kept", "tickets", ["erased_at", "joined_at"])
    op.create_index("ix_tickets_line", "tickets", ["queue_id", "state", "order_key"])
    op.create_index("ix_tickets_no_show_at", "tickets", ["no_show_at"])
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=32), nullable=False),
        sa.Column("ticket_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("call_number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("stale_at", UtcDateTime(), nullable=False),
        sa.Column("carrier_id", sa.String(length=64), nullable=True),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_notices_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("event_id", "ticket_id", "kind", name="uq_notices_event_id_ticket_id_kind"),
        **MYSQL,
    )
    op.create_index("ix_notices_carrier_id", "notices", ["channel", "carrier_id"])
    op.create_index("ix_notices_created_at", "notices", ["created_at"])
    op.create_index("ix_notices_due", "notices", ["state", "next_try_at"])
    op.create_index("ix_notices_ticket_id", "notices", ["ticket_id"])
