"""The relational tables as the code sees them; `migrations` brings a database to this state.

Types are portable: amounts and floats are decimal text, times are milliseconds UTC, documents are JSON text.
Identifying texts compare by code point everywhere, also where a database would by default ignore case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint
from sqlalchemy.dialects import mysql

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

# The newest migration; a database of a later one belongs to a later version of this package.
SCHEMA_REVISION: Final = "0002"

# Longest texts, in characters; unique together they fit into an index of any of the databases.
VENUE_LENGTH: Final = 32
MARKET_LENGTH: Final = 16
SYMBOL_LENGTH: Final = 64
ID_LENGTH: Final = 128
AMOUNT_LENGTH: Final = 100
HASH_LENGTH: Final = 64
_FLOAT_LENGTH: Final = 32
_DOCUMENT_LENGTH: Final = 2**24 - 1


def row_number() -> TypeEngine[Any]:
    """Return the type of a row number that the database counts up from 1."""
    return BigInteger().with_variant(Integer(), "sqlite")


def exact_text(length: int) -> TypeEngine[Any]:
    """Return the type of a text that compares by code point."""
    return String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
    )


def document() -> TypeEngine[Any]:
    """Return the type of a JSON text."""
    return Text(_DOCUMENT_LENGTH)


METADATA: Final = MetaData()

TRADES: Final = Table(
    "trades",
    METADATA,
    Column("id", row_number(), primary_key=True, autoincrement=True),
    Column("trade_id", exact_text(ID_LENGTH), nullable=False),
    Column("venue", exact_text(VENUE_LENGTH), nullable=False),
    Column("market", exact_text(MARKET_LENGTH), nullable=False),
    Column("symbol", exact_text(SYMBOL_LENGTH), nullable=False),
    Column("side", String(4), nullable=False),
    Column("price", String(AMOUNT_LENGTH), nullable=False),
    Column("quantity", String(AMOUNT_LENGTH), nullable=False),
    Column("fee", String(AMOUNT_LENGTH), nullable=False),
    Column("fee_currency", String(SYMBOL_LENGTH), nullable=True),
    Column("time_ms", BigInteger(), nullable=False),
    Column("order_id", exact_text(ID_LENGTH), nullable=True),
    Column("strategy_id", exact_text(ID_LENGTH), nullable=True),
    Column("extra", document(), nullable=False),
    UniqueConstraint("venue", "market", "symbol", "trade_id", name="uq_trades_identity"),
    Index("ix_trades_time", "time_ms", "id"),
)

STRATEGY_PARAMS: Final = Table(
    "strategy_params",
    METADATA,
    Column("id", row_number(), primary_key=True, autoincrement=True),
    Column("strategy_id", exact_text(ID_LENGTH), nullable=False),
    Column("version", Integer(), nullable=False),
    Column("params", document(), nullable=False),
    Column("saved_ms", BigInteger(), nullable=False),
    UniqueConstraint("strategy_id", "version", name="uq_strategy_params_version"),
)

TRIALS: Final = Table(
    "trials",
    METADATA,
    Column("id", row_number(), primary_key=True, autoincrement=True),
    Column("strategy", exact_text(ID_LENGTH), nullable=False),
    Column("data_hash", String(HASH_LENGTH), nullable=False),
    Column("code_hash", String(HASH_LENGTH), nullable=False),
    Column("config_hash", String(HASH_LENGTH), nullable=False),
    Column("params", document(), nullable=False),
    Column("observations", Integer(), nullable=False),
    Column("sharpe", String(_FLOAT_LENGTH), nullable=True),
    Column("skewness", String(_FLOAT_LENGTH), nullable=True),
    Column("kurtosis", String(_FLOAT_LENGTH), nullable=True),
    Column("time_ms", BigInteger(), nullable=False),
    UniqueConstraint("strategy", "data_hash", "code_hash", "config_hash", name="uq_trials_identity"),
)
