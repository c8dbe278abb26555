"""The tables of the record. Migrations make them; everything else in storage/ names them from here."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from core.storage.columns import UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# utf8mb4_bin: by default MySQL takes AbC for aBc and one emoji for another.
MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("session_version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    **MYSQL,
)

account_tokens = Table(
    "account_tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("purpose", String(8), nullable=False),
    Column("email", String(254), nullable=False),
    Column("password_hash", String(255)),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    **MYSQL,
)

venues = Table(
    "venues",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("day_starts_at", String(5), nullable=False),
    Column("phone_number", String(20), index=True),
    Column("retention_days", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    **MYSQL,
)

phone_numbers = Table(
    "phone_numbers",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("account_id", String(32), nullable=False),
    **MYSQL,
)

memberships = Table(
    "memberships",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("venue_id", String(32), ForeignKey("venues.id"), primary_key=True, index=True),
    Column("role", String(8), nullable=False),
    **MYSQL,
)

queues = Table(
    "queues",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("venue_id", String(32), ForeignKey("venues.id"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("join_code", String(20), nullable=False, unique=True),
    Column("text", String(500), nullable=False),
    Column("called_message", String(500), nullable=False),
    Column("state", String(8), nullable=False),
    Column("capacity", Integer),
    Column("largest_party", Integer),
    Column("almost_there_at", Integer, nullable=False),
    Column("no_show_minutes", Integer),
    Column("grace_minutes", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("last_number", Integer, nullable=False),
    Column("last_order_key", BigInteger, nullable=False),
    Column("day_ends_at", UtcDateTime, nullable=False, index=True),
    Column("last_called_at", UtcDateTime),
    Column("pace_seconds", Float, nullable=False),
    Column("pace_deviation_seconds", Float, nullable=False),
    Column("pace_samples", Integer, nullable=False),
    Column("last_action_version", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    **MYSQL,
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("address", String(254)),
    Column("language", String(8)),
    Column("name", String(100), nullable=False),
    Column("dialogue", JSON(none_as_null=True)),
    Column("opted_out", JSON, nullable=False),
    Column("unreachable", String(32)),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("channel", "address"),
    **MYSQL,
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("contact_hash", String(64), primary_key=True),
    Column("senders", JSON, nullable=False),
    **MYSQL,
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("queue_id", String(32), ForeignKey("queues.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("token", String(32), nullable=False, unique=True),
    Column("guest_name", String(100), nullable=False),
    Column("party_size", Integer, nullable=False),
    Column("note", String(500), nullable=False),
    Column("contact_id", String(32), ForeignKey("contacts.id"), index=True),
    Column("channel", String(16)),
    Column("sender", String(20)),
    Column("added_by_staff", Boolean, nullable=False),
    Column("active_key", String(65), unique=True),
    Column("state", String(8), nullable=False),
    Column("order_key", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("called_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("call_number", Integer, nullable=False),
    Column("no_show_at", UtcDateTime, index=True),
    Column("almost_there_told", Boolean, nullable=False),
    Column("last_notice_kind", String(16)),
    Column("last_notice_state", String(16)),
    Column("last_notice_at", UtcDateTime),
    Column("erased_at", UtcDateTime),
    UniqueConstraint("queue_id", "order_key"),
    Index("ix_tickets_line", "queue_id", "state", "order_key"),
    Index("ix_tickets_kept", "erased_at", "joined_at"),
    Index("ix_tickets_ended", "queue_id", "ended_at"),
    **MYSQL,
)

events = Table(
    "events",
    metadata,
    Column("queue_id", String(32), ForeignKey("queues.id"), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(24), nullable=False),
    Column("ticket_id", String(32), index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_kind", String(8), nullable=False),
    Column("account_id", String(32)),
    Column("call_number", Integer, nullable=False),
    Column("data", JSON, nullable=False),
    Column("relayed_at", UtcDateTime),
    Index("ix_events_unrelayed", "relayed_at", "at"),
    **MYSQL,
)

receipts = Table(
    "receipts",
    metadata,
    Column("scope", String(160), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", JSON, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    **MYSQL,
)

notices = Table(
    "notices",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("event_id", String(64), nullable=False),
    Column("queue_id", String(32), nullable=False),
    Column("ticket_id", String(32), ForeignKey("tickets.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("call_number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", UtcDateTime),
    Column("lease_until", UtcDateTime),
    Column("stale_at", UtcDateTime, nullable=False),
    Column("carrier_id", String(64)),
    Column("error_code", String(32)),
    Column("error", String(300)),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("event_id", "ticket_id", "kind"),
    Index("ix_notices_due", "state", "next_try_at"),
    Index("ix_notices_carrier_id", "channel", "carrier_id"),
    **MYSQL,
)

delivery_reports = Table(
    "delivery_reports",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("carrier_id", String(64), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("error_code", String(32)),
    Column("unreachable", Boolean, nullable=False),
    Column("retry", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    **MYSQL,
)
