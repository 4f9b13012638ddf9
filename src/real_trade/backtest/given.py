"""Bars as callers hold them, made into one ascending series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from real_trade.model.clock import format_time, parse_time
from real_trade.model.errors import InputError, MarketDataError
from real_trade.model.instrument import Market
from real_trade.model.series import Klines
from real_trade.storage.frames import split_by_series
from real_trade.utils.symbols import venue_symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from real_trade.model.interval import Interval
    from real_trade.utils.config import GlobalConfig


def one_series(
    data: Klines | pd.DataFrame | Sequence[Mapping[str, object]],
    symbol: str | None,
    interval: str | Interval | None,
    config: GlobalConfig,
) -> tuple[str, Interval, Klines]:
    """Return symbol, interval and bars, ascending.

    Args:
        data: as `backtest.calls.backtest_strategy` takes them.
        symbol: symbol of all rows, where they do not carry it; None for that of ``config``.
        interval: interval of all rows, where they do not carry it; None for that of ``config``.
        config: the session; also says how its venue spells the symbol.

    Raises:
        InputError: no bars, rows of several series, a symbol or an interval that does not exist.
        MarketDataError: a column is missing or unknown, a price is not a number, two bars open at one time.
    """
    table = _table(data)
    carried = () if isinstance(table, Klines) else table.columns
    if symbol is None and "symbol" not in carried:
        symbol = config.symbol
    assumed = interval is None and "interval" not in carried
    parts = list(split_by_series(table, symbol, config.timeframe if assumed else interval))
    if not parts or not len(parts[0][2]):
        raise InputError("There are no bars.", code="no_data", field="data", fix="Give at least one.")
    if len(parts) > 1:
        names = ", ".join(f"{name} {size}" for name, size, _ in parts[:3])
        raise InputError(
            f"The rows are of {len(parts)} series: {names}{' ...' if len(parts) > 3 else ''}.",
            code="several_series",
            field="data",
            value=len(parts),
            fix="Give one at a time.",
        )
    name, size, klines = parts[0]
    klines = _ascending(klines)
    if assumed:
        _check_interval(klines, size)
    return venue_symbol(name, config.exchange, Market.parse(config.market_type), field="symbol"), size, klines


def _table(data: object) -> Klines | pd.DataFrame:
    if isinstance(data, Klines):
        return data
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    rows = list(data) if isinstance(data, Iterable) and not isinstance(data, str) else None
    if rows is None or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(
            f"Bars are given as {type(data).__name__}.",
            field="data",
            value=type(data).__name__,
            fix="Give Klines, a pandas DataFrame, or a list of dicts.",
        )
    return pd.DataFrame(rows)


def _ascending(klines: Klines) -> Klines:
    stamps = klines.timestamp
    if not bool((np.diff(stamps) > 0).all()):
        # Venues send the newest first.
        klines = klines.take(np.argsort(stamps, kind="stable"))
        stamps = klines.timestamp
        twice = np.flatnonzero(np.diff(stamps) == 0)
        if len(twice):
            when = format_time(parse_time(int(stamps[twice[0]]), field="timestamp"))
            raise MarketDataError(
                f"Two bars open at {when}.",
                code="duplicate",
                field="timestamp",
                value=when,
                fix="Leave one of them out.",
            )
    for edge in (0, -1):
        parse_time(int(stamps[edge]), field="timestamp")
    return klines


def _check_interval(klines: Klines, interval: Interval) -> None:
    """Refuse a length that nobody named if no two bars are that far apart."""
    stamps = klines.timestamp.tolist()
    if len(stamps) > 1 and not any(interval.next_open(before) == after for before, after in pairwise(stamps)):
        raise InputError(
            f"The rows carry no interval, and no two of them are {interval} apart.",
            code="missing_field",
            field="interval",
            value=str(interval),
            fix="Give interval as a keyword.",
        )
