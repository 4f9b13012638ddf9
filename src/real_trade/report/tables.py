"""Orders, fills, trades, funding and daily equity as rows of text: numbers exact, times ISO 8601 UTC."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.metrics.returns import day_ends
from real_trade.model.instrument import MONEY_UNIT
from real_trade.model.order import Flag, OrderStatus, OrderType, RejectReason
from real_trade.report.formatting import exact, iso_times
from real_trade.report.marks import liquidation_fills, trade_marks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import IntEnum

    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult
    from real_trade.report.parts import Traded

_RATE_UNIT: Final = Decimal("1E-9")
_LIQUIDATION: Final = RejectReason.LIQUIDATION.name.lower()

Columns = dict[str, "Sequence[str | int | float]"]


def orders_table(result: Traded) -> Columns:
    """Return the orders, one column per name; what an order does not have is empty.

    The price is the limit, else the trigger. The trigger of a trailing stop is its distance.
    """
    rows, instrument = named_prices(result.order_rows), result.instrument
    return {
        "order_id": rows["order_id"].tolist(),
        "time": iso_times(rows["time_ms"]),
        "side": _sides(rows),
        "type": _words(rows["type"], OrderType),
        "quantity": exact(rows["lots"], instrument.quantity_step),
        "price": _where(rows["price_ticks"], exact(rows["price_ticks"], instrument.tick_size)),
        "status": _words(rows["status"], OrderStatus),
        "reason": ["" if word == "none" else word for word in _words(rows["reason"], RejectReason)],
        "filled": exact(rows["filled_lots"], instrument.quantity_step),
        "bar": rows["bar"].tolist(),
        "final_bar": rows["final_bar"].tolist(),
        "trigger": _where(rows["trigger_ticks"], exact(rows["trigger_ticks"], instrument.tick_size)),
        "flags": flag_words(rows["flags"]),
        "expire": _where(rows["expire_ms"], iso_times(rows["expire_ms"])),
        "entry_id": _where(rows["entry_id"], rows["entry_id"].astype(str).tolist()),
    }


def fills_table(result: Traded) -> Columns:
    """Return the fills, one column per name; the reason is ``liquidation`` or empty."""
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
        "ambiguous": _yes_or_no(rows["ambiguous"] != 0),
        "slippage": exact(rows["slippage"], MONEY_UNIT),
        "reason": _where(liquidation_fills(result), [_LIQUIDATION] * len(rows)),
    }


def trades_table(result: Traded) -> Columns:
    """Return the closed round trips, one column per name; mean prices carry four decimals more than the tick.

    A trade is ambiguous if one of its fills is; its reason is ``liquidation`` if the venue closed it, else empty.
    """
    rows, instrument, marks = result.trade_rows, result.instrument, trade_marks(result)
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
        "funding": exact(rows["funding"], MONEY_UNIT),
        "slippage": exact(marks.slippage, MONEY_UNIT),
        "ambiguous": _yes_or_no(marks.ambiguous),
        "reason": _where(marks.liquidated, [_LIQUIDATION] * len(rows)),
    }


def funding_table(result: Traded) -> Columns:
    """Return the payments of funding, one column per name; a positive amount was paid, a negative one received.

    The position is signed; the price is the mark price where one is stored, else the open of the bar.
    """
    rows, instrument = result.payment_rows, result.instrument
    return {
        "time": iso_times(rows["time_ms"]),
        "position": exact(rows["lots"], instrument.quantity_step),
        "mark_price": exact(rows["price_ticks"], instrument.tick_size),
        "rate": exact(rows["rate"], _RATE_UNIT),
        "amount": exact(rows["amount"], MONEY_UNIT),
        "bar": rows["bar"].tolist(),
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


def named_prices(orders: NDArray[Any]) -> NDArray[Any]:
    """Return the orders with the one price that each names: its limit, or where it has none its trigger."""
    named = orders.copy()
    without = named["price_ticks"] == 0
    named["price_ticks"][without] = named["trigger_ticks"][without]
    return named


def flag_words(flags: NDArray[np.int64]) -> list[str]:
    """Return the conditions of each order in words.

    >>> flag_words(np.array([0, 12]))
    ['', 'post_only reduce_only']
    """
    words = {number: " ".join(str(f.name).lower() for f in Flag(number)) for number in np.unique(flags).tolist()}
    return [words[number] for number in flags.tolist()]


def _where(mask: NDArray[Any], texts: Sequence[str]) -> list[str]:
    """Return the texts, empty where the mask is false or zero."""
    return [text if shown else "" for shown, text in zip(mask.tolist(), texts, strict=True)]


def _yes_or_no(mask: NDArray[np.bool_]) -> list[str]:
    return ["yes" if value else "no" for value in mask.tolist()]


def _sides(rows: NDArray[Any]) -> list[str]:
    sides: list[str] = np.where(rows["side"] > 0, "buy", "sell").tolist()
    return sides


def _words(numbers: NDArray[np.int64], kind: type[IntEnum]) -> list[str]:
    words = {int(member): member.name.lower() for member in kind}
    return [words[number] for number in numbers.tolist()]
