"""Trials: the backtests that were made of a strategy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "trials",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("strategy", _exact(128), nullable=False),
        sa.Column("data_hash", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("config_hash", sa.String(64), nullable=False),
        sa.Column("params", sa.Text(2**24 - 1), nullable=False),
        sa.Column("observations", sa.Integer(), nullable=False),
        sa.Column("sharpe", sa.String(32), nullable=True),
        sa.Column("skewness", sa.String(32), nullable=True),
        sa.Column("kurtosis", sa.String(32), nullable=True),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("strategy", "data_hash", "code_hash", "config_hash", name="uq_trials_identity"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("trials")


def _exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
    )
