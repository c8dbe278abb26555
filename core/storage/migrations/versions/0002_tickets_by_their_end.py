"""An index by which the board finds who did not come lately, however many never came before."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_tickets_ended", "tickets", ["queue_id", "ended_at"])
