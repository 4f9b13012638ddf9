"""Orders, fills, trades and daily equity as rows of text: prices and quantities exact, times ISO 8601 UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.metrics.returns import day_ends
from real_trade.model.instrument import MONEY_UNIT
from real_trade.model.order import OrderStatus, OrderType, RejectReason
from real_trade.report.formatting import exact, iso_times
from real_trade.report.series import named_prices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import IntEnum

    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult

Columns = dict[str, "Sequence[str | int | float]"]


def orders_table(result: BacktestResult) -> Columns:
    """Return the orders, one column per name; the price is the limit, else the trigger, else empty."""
    rows, instrument = named_prices(result.order_rows), result.instrument
    prices = exact(rows["price_ticks"], instrument.tick_size)
    return {
        "order_id": rows["order_id"].tolist(),
        "time": iso_times(rows["time_ms"]),
        "side": _sides(rows),
        "type": _words(rows["type"], OrderType),
        "quantity": exact(rows["lots"], instrument.quantity_step),
        "price": [price if ticks else "" for price, ticks in zip(prices, rows["price_ticks"].tolist(), strict=True)],
        "status": _words(rows["status"], OrderStatus),
        "reason": ["" if word == "none" else word for word in _words(rows["reason"], RejectReason)],
        "filled": exact(rows["filled_lots"], instrument.quantity_step),
        "bar": rows["bar"].tolist(),
        "final_bar": rows["final_bar"].tolist(),
    }


def fills_table(result: BacktestResult) -> Columns:
    """Return the fills, one column per name."""
    rows, instrument = result.fill_rows, result.instrument
    return {
        "order_id": rows["order_id"].tolist(),
        "time": iso_times(rows["time_ms"]),
        "side": _sides(rows),
        "price": exact(rows["price_ticks"], instrument.tick_size),
        "quantity": exact(rows["lots"], instrument.quantity_step),
        "fee": exact(rows["fee"], MONEY_UNIT),
        "liquidity": ["maker" if maker else "taker" for maker in rows["maker"].tolist()],
        "bar": rows["bar"].tolist(),
    }


def trades_table(result: BacktestResult) -> Columns:
    """Return the closed round trips, one column per name; mean prices carry four decimals more than the tick."""
    rows, instrument = result.trade_rows, result.instrument
    decimals = instrument.price_decimals + 4
    return {
        "entry_time": iso_times(rows["entry_ms"]),
        "exit_time": iso_times(rows["exit_ms"]),
        "side": np.where(rows["side"] > 0, "long", "short").tolist(),
        "quantity": exact(rows["lots"], instrument.quantity_step),
        "entry_price": rows["entry_price"].round(decimals).tolist(),
        "exit_price": rows["exit_price"].round(decimals).tolist(),
        "gross": exact(rows["gross"], MONEY_UNIT),
        "fees": exact(rows["fees"], MONEY_UNIT),
        "net": exact(rows["net"], MONEY_UNIT),
        "minutes": ((rows["exit_ms"] - rows["entry_ms"]) / 60_000).tolist(),
        "entry_bar": rows["entry_bar"].tolist(),
        "exit_bar": rows["exit_bar"].tolist(),
    }


def equity_table(result: BacktestResult) -> Columns:
    """Return the equity at the end of each UTC day."""
    days, last = day_ends(result.time_ms)
    return {
        "day": days.astype("datetime64[D]").astype(str).tolist(),
        "equity": exact(result.equity_units[last], MONEY_UNIT),
        "close": exact(result.close[last], result.instrument.tick_size),
    }


def csv_text(columns: Columns) -> str:
    """Return comma-separated lines with a header; no value of these tables needs quotes."""
    texts = [column if column and isinstance(column[0], str) else map(str, column) for column in columns.values()]
    lines = [",".join(columns), *map(",".join, zip(*texts, strict=True))]
    return "\n".join(lines) + "\n"


def _sides(rows: NDArray[Any]) -> list[str]:
    sides: list[str] = np.where(rows["side"] > 0, "buy", "sell").tolist()
    return sides


def _words(numbers: NDArray[np.int64], kind: type[IntEnum]) -> list[str]:
    words = {int(member): member.name.lower() for member in kind}
    return [words[number] for number in numbers.tolist()]
