"""Whom a message mentions, and whether an edit wakes them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("mentions", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("delivery", sa.Column("wakes", sa.Boolean(), nullable=False, server_default=sa.false()))
