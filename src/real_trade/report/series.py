"""What the page's charts draw: prices, equity, drawdown and events, small enough to send and open at once.

Prices are kept bar by bar while the page stays within its size; beyond that, buckets of 2, 5, 10 ... bars keep their
first, highest, lowest and last price. Equity goes with them, its lowest and highest values included, so that no peak
is lost to the eye. Orders, fills and trades are kept up to a bound; the files hold them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.metrics.returns import bar_length_ms
from real_trade.model.instrument import MONEY_UNIT, Market
from real_trade.report.account import units_of
from real_trade.report.coding import pack, packed_size
from real_trade.report.marks import liquidation_fills, trade_marks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult
    from real_trade.model.instrument import Instrument
    from real_trade.report.coding import Packed

# Characters that prices may take, and that all packed data may: the page stays below ten million.
PRICE_BUDGET: Final = 7_800_000
DATA_BUDGET: Final = 9_600_000
# Rows of each table that travel with the page.
TABLE_ROWS: Final = 50_000
# Points of the curve of funding: more than there are columns of pixels.
FUNDING_POINTS: Final = 5_000
# Whole numbers below this are exact in the page's script, whose numbers are floats.
_EXACT_IN_SCRIPT: Final = 1 << 51
_BUCKETS: Final = (1, 2, 5, 10, 20, 60, 120, 240, 720, 1440, 10_080)
# Columns of the tables, and whether their differences are packed: those are smaller where neighbours are alike.
_FILL_COLUMNS: Final = {
    "bar": True,
    "order_id": True,
    "price_ticks": True,
    "side": True,
    "lots": True,
    "fee": True,
    "maker": False,
    "ambiguous": False,
    "slippage": True,
}
_ORDER_COLUMNS: Final = {
    "order_id": True,
    "bar": True,
    "side": True,
    "type": False,
    "lots": True,
    "price_ticks": True,
    "status": False,
    "reason": False,
    "filled_lots": True,
    "final_bar": True,
    "trigger_ticks": True,
    "flags": False,
    "expire_ms": False,
    "entry_id": True,
}


def chart_data(result: BacktestResult) -> dict[str, Any]:
    """Return everything that the page's script draws and lists, JSON-ready."""
    tables = {
        "time": _times(result.time_ms),
        "trades": _trades(result),
        "fills": _fills(result),
        "orders": _columns(result.order_rows, _ORDER_COLUMNS),
        "funding": _funding(result.payment_rows),
    }
    spent = sum(map(_characters, tables.values()))
    units = units_of(result.instrument)
    return {
        "bars": len(result.time_ms),
        **tables,
        **_prices_and_equity(result, DATA_BUDGET - spent),
        "gaps": [list(gap) for gap in result.data.gaps[:1000]],
        "initial": result.initial_units,
        "inverse": result.instrument.market == Market.INVERSE,
        "tick": str(result.instrument.tick_size),
        "step": str(result.instrument.quantity_step),
        "decimals": result.instrument.price_decimals,
        "currency": units.money,
        "quote": units.price,
        "unit": units.quantity,
    }


def bucketed(values: NDArray[Any], size: int, choose: np.ufunc) -> NDArray[Any]:
    """Return ``choose`` (`numpy.maximum`, `numpy.minimum`) over each ``size`` values, the last bucket maybe shorter."""
    if size == 1 or not len(values):
        return values
    whole = len(values) // size * size
    chosen = choose.reduce(values[:whole].reshape(-1, size), axis=1)
    if whole == len(values):
        return np.asarray(chosen)
    return np.append(chosen, choose.reduce(values[whole:]))


def last_of(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Return the last of each ``size`` values, the last bucket maybe shorter."""
    if size == 1 or not len(values):
        return values
    ends = np.arange(size, len(values) + size, size)
    return np.asarray(values[np.minimum(ends, len(values)) - 1])


def _times(time_ms: NDArray[np.int64]) -> dict[str, Any]:
    step = bar_length_ms(time_ms)
    first = int(time_ms[0]) if len(time_ms) else 0
    return {"first": first, "step": step, "excess": pack(np.diff(time_ms) - step, signed=True)}


def _prices_and_equity(result: BacktestResult, room: int) -> dict[str, Any]:
    """Return the smallest bucket whose prices and equity fit the budgets, and these."""
    # Below two characters a bar no column of prices has ever come: sizes that cannot fit are not tried.
    likely = [size for size in _BUCKETS if 2 * len(result.close) // size <= PRICE_BUDGET]
    for size in likely or _BUCKETS[-1:]:
        prices, equity = _price_columns(result, size), _equity(result, size)
        taken = _characters(prices)
        if taken <= PRICE_BUDGET and taken + _characters(equity) <= room:
            break
    first = int(result.open[0]) if len(result.open) else 0
    return {"bucket": size, "prices": {"first": first, **prices}, "equity": equity}


def _characters(table: dict[str, Any]) -> int:
    """Return the characters that the packed columns of a table take."""
    return sum(packed_size(column) for column in table.values() if isinstance(column, dict))


def _price_columns(result: BacktestResult, size: int) -> dict[str, Packed]:
    open_, close = result.open[::size], last_of(result.close, size)
    high, low = bucketed(result.high, size, np.maximum), bucketed(result.low, size, np.minimum)
    # A bar opens near the last close and reaches a little beyond its body: four columns of small numbers.
    before = np.concatenate([open_[:1], close[:-1]])
    return {
        "open": pack(open_ - before, signed=True),
        "close": pack(close - open_, signed=True),
        "high": pack(high - np.maximum(open_, close)),
        "low": pack(np.minimum(open_, close) - low),
    }


def _equity(result: BacktestResult, size: int) -> dict[str, Any]:
    """Return equity per bucket of prices, as what the closes and the position do not foretell.

    Between two fills a position gains what the page can work out from lots and closes: what is left is nearly always
    zero.
    """
    units = result.equity_units
    quantum = 1
    while len(units) and int(np.abs(units).max()) // quantum >= _EXACT_IN_SCRIPT:
        quantum *= 10
    grid = _grid(result.instrument) if quantum == 1 else 0.0
    last = last_of(units, size) // quantum
    close = last_of(result.close, size)
    position = _positions(result.fill_rows[:TABLE_ROWS], len(result.time_ms))
    held, inverse = last_of(position, size)[:-1], result.instrument.market == Market.INVERSE
    foretold = _inverse_gain(held, close, grid) if inverse else held * np.diff(close) * int(grid)
    packed: dict[str, Any] = {
        "quantum": quantum,
        "grid": grid,
        "first": int(last[0]) if len(last) else 0,
        "rest": pack(np.diff(last) - foretold, signed=True),
    }
    if size > 1:
        packed["above"] = pack(bucketed(units, size, np.maximum) // quantum - last)
        packed["below"] = pack(last - bucketed(units, size, np.minimum) // quantum)
    return packed


def _grid(instrument: Instrument) -> float:
    """Return the money units that a lot gains with a tick, 0 where that is no whole number.

    On inverse markets it is a lot's value in money units at a price of one tick, which need not be whole.
    """
    if instrument.market == Market.INVERSE:
        return float(instrument.quantity_step * instrument.contract_value / instrument.tick_size / MONEY_UNIT)
    value = instrument.tick_size * instrument.quantity_step * instrument.contract_value / MONEY_UNIT
    return float(value) if value == int(value) and value < _EXACT_IN_SCRIPT else 0.0


def _inverse_gain(held: NDArray[np.int64], close: NDArray[np.int64], grid: float) -> NDArray[np.int64]:
    """Return what the lots held gain from each close to the next, rounded step by step as the page's script does."""
    worth = [-np.floor(held * grid / close + 0.5) for close in (close[:-1], close[1:])]
    return np.asarray(worth[1] - worth[0], dtype=np.int64)


def _positions(fills: NDArray[Any], bars: int) -> NDArray[np.int64]:
    """Return the signed lots held at each bar's close."""
    held = np.concatenate([[0], np.cumsum(fills["side"] * fills["lots"])])
    return np.repeat(held, np.diff(np.concatenate([[0], fills["bar"], [bars]])))


def _trades(result: BacktestResult) -> dict[str, Any]:
    columns = ("entry_bar", "exit_bar", "side", "lots", "gross", "fees", "funding")
    table = _columns(result.trade_rows, dict.fromkeys(columns, True))
    marks = trade_marks(result)
    for name, mask in (("ambiguous", marks.ambiguous), ("liquidated", marks.liquidated)):
        table[name] = pack(mask[:TABLE_ROWS].astype(np.int64))
    rows = result.trade_rows[:TABLE_ROWS]
    # Mean prices need not lie on the grid: ten thousandths of a tick are kept where any of them does not.
    tick = float(result.instrument.tick_size)
    means = {name: rows[name] / tick for name in ("entry_price", "exit_price")}
    on_grid = all(np.allclose(mean, np.rint(mean), rtol=0, atol=1e-4) for mean in means.values())
    parts = 1 if on_grid else 10_000
    for name, mean in means.items():
        table[name] = pack(np.rint(mean * parts).astype(np.int64), running=True)
    return table | {"parts": parts}


def _fills(result: BacktestResult) -> dict[str, Any]:
    table = _columns(result.fill_rows, _FILL_COLUMNS)
    return table | {"liquidation": pack(liquidation_fills(result)[:TABLE_ROWS].astype(np.int64))}


def _funding(payments: NDArray[Any]) -> dict[str, Any]:
    """Return the sum paid so far after some of the payments, the last one among them."""
    count = len(payments)
    chosen = np.unique(np.linspace(0, count - 1, min(count, FUNDING_POINTS)).astype(np.int64))
    paid = np.cumsum(payments["amount"])[chosen]
    return {
        "bar": pack(payments["bar"][chosen], running=True),
        "paid": pack(paid, signed=True, running=True),
        "total": count,
    }


def _columns(rows: NDArray[Any], names: dict[str, bool]) -> dict[str, Any]:
    """Pack columns, with ``names`` telling which of them to store as differences."""
    shown = rows[:TABLE_ROWS]
    packed: dict[str, Any] = {name: pack(shown[name], running=running) for name, running in names.items()}
    return packed | {"total": len(rows)}
