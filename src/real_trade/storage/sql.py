"""The relational store: SQLite by default, any database of SQLAlchemy's by address."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from real_trade.model.clock import SystemClock
from real_trade.model.errors import StorageError
from real_trade.storage.engine import database_errors, name_of, open_engine, writer
from real_trade.storage.records import checked_text, from_json, row_to_trade, to_json, trade_to_row
from real_trade.storage.tables import ID_LENGTH, STRATEGY_PARAMS, TRADES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection
    from sqlalchemy.engine import URL

    from real_trade.model.clock import Clock

_ATTEMPTS: Final = 50
_IDENTITY: Final = ("venue", "market", "symbol", "trade_id")
_read_id = checked_text(ID_LENGTH)


class SqlStore:
    """Trades and strategy parameters, as `RelationalStore` describes; each call is one durable transaction.

    Amounts are stored as decimal text and come back as Decimal, digit for digit. One store may be used from several
    threads, and several processes may open the same database.

    Args:
        url: address of the database in SQLAlchemy's form.
        clock: tells when parameters were saved.

    Raises:
        InputError: the address cannot be used.
        StorageError: the database is out of reach, damaged, or of a later version.
    """

    def __init__(self, url: str | URL, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._engine = open_engine(url)
        self._name = name_of(self._engine)

    def save_trade(self, trade: Mapping[str, object]) -> int:
        """Store one trade and return its row number.

        A trade is known by its ``trade_id`` within venue, market and symbol, since venues number the trades of each
        symbol by themselves; saving it again changes nothing and returns the same number.

        Args:
            trade: ``trade_id, venue, market, symbol, side, price, quantity, time_ms`` and, if known, ``fee,
                fee_currency, order_id, strategy_id, extra`` (a dict). Amounts are text, Decimal or whole numbers.

        Raises:
            InputError: a field is unknown, missing, or not what it should be.
            StorageError: the database failed.
        """
        row = trade_to_row(trade)
        with database_errors(self._name), writer(self._engine).begin() as connection:
            known = _find_trade(connection, row)
            if known is not None:
                return known
            try:
                with connection.begin_nested():
                    result = connection.execute(insert(TRADES).values(**row))
            except IntegrityError:
                # Another session stored the same trade in between; databases other than SQLite allow that.
                known = _find_trade(connection, row)
                if known is None:
                    raise
                return known
            return int(result.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted

    def trades(self, from_ms: int | None = None, to_ms: int | None = None) -> list[dict[str, object]]:
        """Return the trades with ``from_ms <= time_ms < to_ms``, oldest first.

        Raises:
            StorageError: the database failed.
        """
        query = select(TRADES).order_by(TRADES.c.time_ms, TRADES.c.id)
        if from_ms is not None:
            query = query.where(TRADES.c.time_ms >= from_ms)
        if to_ms is not None:
            query = query.where(TRADES.c.time_ms < to_ms)
        with database_errors(self._name), self._engine.begin() as connection:
            return [row_to_trade(dict(row)) for row in connection.execute(query).mappings()]

    def save_params(self, strategy_id: str, params: Mapping[str, object]) -> int:
        """Store a new version of a strategy's parameters and return its version number (1, 2, ...).

        Raises:
            InputError: a value that JSON cannot hold.
            StorageError: the database failed.
        """
        owner = _read_id(strategy_id, "strategy_id")
        document = to_json(params, "params")
        table = STRATEGY_PARAMS
        newest = select(func.max(table.c.version)).where(table.c.strategy_id == owner)
        with database_errors(self._name):
            for _ in range(_ATTEMPTS):
                # Where another session took the number first (SQLite's write lock forbids that), take the next.
                with suppress(IntegrityError), writer(self._engine).begin() as connection:
                    version = int(connection.execute(newest).scalar() or 0) + 1
                    row = {"strategy_id": owner, "version": version, "params": document}
                    connection.execute(insert(table).values(**row, saved_ms=self._clock.now_ms()))
                    return version
        raise StorageError(
            f"{self._name}: no free version number for {owner} after {_ATTEMPTS} attempts.",
            code="locked",
            field="strategy_id",
            value=owner,
            fix="Try again when fewer sessions save parameters of this strategy.",
        )

    def params(self, strategy_id: str) -> dict[str, object] | None:
        """Return the newest parameters of a strategy, or None.

        Raises:
            StorageError: the database failed.
        """
        table = STRATEGY_PARAMS
        query = select(table.c.params).where(table.c.strategy_id == strategy_id).order_by(table.c.version.desc())
        with database_errors(self._name), self._engine.begin() as connection:
            found = connection.execute(query.limit(1)).scalar()
        return None if found is None else from_json(found)

    def close(self) -> None:
        """Give connections back."""
        self._engine.dispose()


def _find_trade(connection: Connection, row: Mapping[str, object]) -> int | None:
    same = [TRADES.c[name] == row[name] for name in _IDENTITY]
    found = connection.execute(select(TRADES.c.id).where(*same)).scalar()
    return None if found is None else int(found)
