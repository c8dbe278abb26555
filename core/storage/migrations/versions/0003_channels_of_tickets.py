"""A ticket knows its guest's channel, so that whoever changes it knows which way its notices go."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("tickets", sa.Column("channel", sa.String(length=16), nullable=True))
