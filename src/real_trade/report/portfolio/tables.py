"""What all strategies of an account did, as rows of text: in order of time, each with its strategy and symbol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from real_trade.metrics.returns import day_ends
from real_trade.model.instrument import MONEY_UNIT
from real_trade.report import tables
from real_trade.report.formatting import exact
from real_trade.report.portfolio.sides import names_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from real_trade.backtest.portfolio_result import LegResult, PortfolioResult
    from real_trade.report.parts import Traded
    from real_trade.report.tables import Columns


def orders_table(result: PortfolioResult) -> Columns:
    """Return the orders; their numbers are those of their strategy and symbol."""
    return _joined(result, tables.orders_table, lambda leg: leg.order_rows["time_ms"])


def fills_table(result: PortfolioResult) -> Columns:
    """Return the fills."""
    return _joined(result, tables.fills_table, lambda leg: leg.fill_rows["time_ms"])


def trades_table(result: PortfolioResult) -> Columns:
    """Return the closed round trips, in order of exit."""
    return _joined(result, tables.trades_table, lambda leg: leg.trade_rows["exit_ms"])


def funding_table(result: PortfolioResult) -> Columns:
    """Return the payments of funding."""
    return _joined(result, tables.funding_table, lambda leg: leg.payment_rows["time_ms"])


def equity_table(result: PortfolioResult) -> Columns:
    """Return the equity of the account and of each strategy at the end of each UTC day."""
    days, last = day_ends(result.time_ms)
    columns: Columns = {
        "day": days.astype("datetime64[D]").astype(str).tolist(),
        "account": exact(result.equity_units[last], MONEY_UNIT),
    }
    for name, mandate in zip(names_of(result), result.mandates, strict=True):
        columns[_cell(name)] = exact(mandate.equity_units[last], MONEY_UNIT)
    return columns


def _joined(
    result: PortfolioResult, table: Callable[[Traded], Columns], time_of: Callable[[LegResult], NDArray[np.int64]]
) -> Columns:
    """Return the tables of all legs as one; what happens at one time stays in the order of the strategies."""
    legs = [
        (name, leg) for name, mandate in zip(names_of(result), result.mandates, strict=True) for leg in mandate.legs
    ]
    parts = [table(leg) for _, leg in legs]
    times = [time_of(leg) for _, leg in legs]
    order = np.argsort(np.concatenate(times), kind="stable").tolist()
    columns: Columns = {
        "strategy": [word for (name, _), rows in zip(legs, times, strict=True) for word in [_cell(name)] * len(rows)],
        "symbol": [
            word for (_, leg), rows in zip(legs, times, strict=True) for word in [_cell(leg.symbol)] * len(rows)
        ],
    }
    for column in parts[0]:
        columns[column] = [value for part in parts for value in part[column]]
    return {column: [values[row] for row in order] for column, values in columns.items()}


def _cell(name: str) -> str:
    """Return a name as a cell: what a caller calls a symbol may hold anything."""
    return f'"{name.replace(chr(34), chr(34) * 2)}"' if set(name) & set(',"\r\n') else name
