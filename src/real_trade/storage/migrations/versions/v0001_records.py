"""Trades and strategy parameters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    document = sa.Text(2**24 - 1)
    op.create_table(
        "trades",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("trade_id", _exact(128), nullable=False),
        sa.Column("venue", _exact(32), nullable=False),
        sa.Column("market", _exact(16), nullable=False),
        sa.Column("symbol", _exact(64), nullable=False),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("price", sa.String(100), nullable=False),
        sa.Column("quantity", sa.String(100), nullable=False),
        sa.Column("fee", sa.String(100), nullable=False),
        sa.Column("fee_currency", sa.String(64), nullable=True),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("order_id", _exact(128), nullable=True),
        sa.Column("strategy_id", _exact(128), nullable=True),
        sa.Column("extra", document, nullable=False),
        sa.UniqueConstraint("venue", "market", "symbol", "trade_id", name="uq_trades_identity"),
    )
    op.create_index("ix_trades_time", "trades", ["time_ms", "id"])
    op.create_table(
        "strategy_params",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("strategy_id", _exact(128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("params", document, nullable=False),
        sa.Column("saved_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("strategy_id", "version", name="uq_strategy_params_version"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("strategy_params")
    op.drop_table("trades")


def _exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
    )
