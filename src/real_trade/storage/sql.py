"""The relational store: SQLite by default, any database of SQLAlchemy's by address."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from real_trade.model.clock import SystemClock
from real_trade.model.errors import StorageError
from real_trade.storage.engine import database_errors, name_of, open_engine, writer
from real_trade.storage.ports import Trial
from real_trade.storage.records import checked_text, from_json, row_to_trade, to_json, trade_to_row
from real_trade.storage.tables import ID_LENGTH, STRATEGY_PARAMS, TRADES, TRIALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import URL

    from real_trade.model.clock import Clock

_ATTEMPTS: Final = 50
_TRADE_IDENTITY: Final = ("venue", "market", "symbol", "trade_id")
_TRIAL_IDENTITY: Final = ("strategy", "data_hash", "code_hash", "config_hash")
_FLOATS: Final = ("sharpe", "skewness", "kurtosis")
_read_id = checked_text(ID_LENGTH)


class SqlStore:
    """What `RelationalStore` and `TrialStore` describe; each call is one durable transaction.

    Amounts are stored as decimal text and come back as Decimal, digit for digit. One store may be used from several
    threads, and several processes may open the same database.

    Args:
        url: address of the database in SQLAlchemy's form.
        clock: tells when parameters were saved and trials were counted.

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
        return self._insert_once(TRADES, _TRADE_IDENTITY, trade_to_row(trade))[0]

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

    def save_trial(self, trial: Trial) -> bool:
        """Count a trial and return whether it is new; its time is that of this store's clock.

        Raises:
            InputError: parameters that JSON cannot hold, or a name that is empty or too long.
            StorageError: the database failed.
        """
        row = {
            **{name: getattr(trial, name) for name in ("data_hash", "code_hash", "config_hash", "observations")},
            **{name: None if (value := getattr(trial, name)) is None else repr(float(value)) for name in _FLOATS},
            "strategy": _read_id(trial.strategy, "strategy"),
            "params": to_json(trial.params, "params"),
            "time_ms": self._clock.now_ms(),
        }
        return self._insert_once(TRIALS, _TRIAL_IDENTITY, row)[1]

    def trials(self, strategy: str, data_hash: str) -> list[Trial]:
        """Return the trials of a strategy on the same bars, in the order in which they were counted.

        Raises:
            StorageError: the database failed.
        """
        columns = [TRIALS.c[item.name] for item in fields(Trial)]
        query = select(*columns).where(TRIALS.c.strategy == strategy, TRIALS.c.data_hash == data_hash)
        with database_errors(self._name), self._engine.begin() as connection:
            return [_to_trial(row) for row in connection.execute(query.order_by(TRIALS.c.id))]

    def close(self) -> None:
        """Give connections back."""
        self._engine.dispose()

    def _insert_once(self, table: Table, identity: Sequence[str], row: Mapping[str, object]) -> tuple[int, bool]:
        """Insert a row unless one of the same identity is there; return its number and whether it is new."""
        same = select(table.c.id).where(*(table.c[name] == row[name] for name in identity))
        with database_errors(self._name), writer(self._engine).begin() as connection:
            known = connection.execute(same).scalar()
            if known is not None:
                return int(known), False
            try:
                with connection.begin_nested():
                    result = connection.execute(insert(table).values(**row))
            except IntegrityError:
                # Another session stored the same in between; databases other than SQLite allow that.
                known = connection.execute(same).scalar()
                if known is None:
                    raise
                return int(known), False
            return int(result.inserted_primary_key[0]), True  # type: ignore[index]  # one row was inserted


def _to_trial(row: Sequence[Any]) -> Trial:
    strategy, data_hash, code_hash, config_hash, params, observations, *figures, time_ms = row
    sharpe, skewness, kurtosis = (None if text is None else float(text) for text in figures)
    document = from_json(params)
    return Trial(
        strategy, data_hash, code_hash, config_hash, document, observations, sharpe, skewness, kurtosis, time_ms
    )
