"""One backtest as the metrics see it: its arrays, and what several figures need of them, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.metrics import drawdown, returns, trades
from real_trade.model.interval import MINUTE_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Ledger


@dataclass(frozen=True)
class Sample:
    """The arrays of one backtest.

    Attributes:
        time_ms: opening time per bar, ms UTC, ascending.
        equity: equity at each bar's close, in settlement currency.
        close: closing price per bar, in quote.
        initial: starting capital, in settlement currency.
        orders, fills, payments, trades: structured arrays; money columns in units of 1e-8.
        ledger: the account at the end, money in units of 1e-8.
        tick_size: quote per tick.
        quantity_step: quantity per lot.
        contract_value: base per unit of quantity; inverse: quote.
        inverse: settled in base, so that the value of a quantity falls as the price rises.
    """

    time_ms: NDArray[np.int64]
    equity: NDArray[np.float64]
    close: NDArray[np.float64]
    initial: float
    orders: NDArray[Any]
    fills: NDArray[Any]
    payments: NDArray[Any]
    trades: NDArray[Any]
    ledger: Ledger
    tick_size: float
    quantity_step: float
    contract_value: float
    inverse: bool

    @property
    def final(self) -> float:
        """Return the equity at the last close; the starting capital without bars. Exact to the unit of 1e-8."""
        return round(float(self.equity[-1]), 8) if len(self.equity) else self.initial

    @property
    def profit(self) -> float:
        """Return final equity less starting capital."""
        return round(self.final - self.initial, 8)

    @cached_property
    def days(self) -> float:
        """Return the length of the run in days."""
        return returns.elapsed_days(self.time_ms)

    @cached_property
    def daily_equity(self) -> NDArray[np.float64]:
        """Return the equity at the end of each UTC day."""
        return returns.daily_values(self.time_ms, self.equity)

    @cached_property
    def daily_returns(self) -> NDArray[np.float64]:
        """Return the return of each UTC day as a fraction; NaN after ruin."""
        return returns.simple_returns(self.daily_equity, self.initial)

    @cached_property
    def daily_profit(self) -> NDArray[np.float64]:
        """Return the profit of each UTC day, rounded to the unit of 1e-8."""
        before = np.concatenate([[self.initial], self.daily_equity])
        return np.diff(before).round(8)

    @cached_property
    def drawdowns(self) -> NDArray[np.float64]:
        """Return the drawdown per bar as a fraction of the peak."""
        return drawdown.drawdown_fractions(self.equity, self.initial)

    @cached_property
    def deepest(self) -> drawdown.Drawdown | None:
        """Return the deepest drawdown."""
        return drawdown.max_drawdown(self.drawdowns)

    @cached_property
    def deepest_amount(self) -> float:
        """Return the greatest fall below a peak in money."""
        return round(drawdown.max_drawdown_amount(self.equity, self.initial), 8)

    @cached_property
    def growth(self) -> float | None:
        """Return the compound annual growth rate."""
        return returns.cagr(self.initial, self.final, self.days)

    @property
    def market_change(self) -> float | None:
        """Return the last close over the first, less one."""
        if not len(self.close) or self.close[0] <= 0:
            return None
        return returns.finite(float(self.close[-1]) / float(self.close[0]) - 1.0)

    @property
    def market_gain(self) -> float | None:
        """Return what a position of the start balance's value gains from the first close to the last."""
        change = self.market_change
        if change is None or (self.inverse and change <= -1):
            return None
        # Base is what an inverse position gains in: with the price doubled, half of its value.
        return round(self.initial * (change / (1.0 + change) if self.inverse else change), 8)

    @cached_property
    def net(self) -> NDArray[np.int64]:
        """Return the net profit per trade in units of 1e-8."""
        return np.ascontiguousarray(self.trades["net"])

    @cached_property
    def won(self) -> NDArray[np.int64]:
        """Return the net profits of winning trades."""
        return self.net[self.net > 0]

    @cached_property
    def lost(self) -> NDArray[np.int64]:
        """Return the net profits (negative) of losing trades."""
        return self.net[self.net < 0]

    @cached_property
    def holding_minutes(self) -> NDArray[np.float64]:
        """Return the minutes between the opening of the bar of entry and that of exit, per trade."""
        minutes: NDArray[np.float64] = (self.trades["exit_ms"] - self.trades["entry_ms"]) / MINUTE_MS
        return minutes

    @cached_property
    def trade_returns(self) -> NDArray[np.float64]:
        """Return net profit over the value at entry, per trade."""
        return trades.trade_returns(self.trades, self.quantity_step * self.contract_value, inverse=self.inverse)

    @cached_property
    def traded_values(self) -> NDArray[np.float64]:
        """Return the value of each fill in settlement currency."""
        unit = self.quantity_step * self.contract_value
        return trades.traded_values(self.fills, self.tick_size, unit, inverse=self.inverse)

    @cached_property
    def volume(self) -> float:
        """Return the value traded in all fills."""
        return float(self.traded_values.sum())

    @cached_property
    def fees(self) -> float:
        """Return the fees of all fills."""
        return trades.money_sum(self.fills["fee"])

    @cached_property
    def funding(self) -> float:
        """Return the funding paid; negative where more was received."""
        return trades.money_sum(self.payments["amount"])

    @cached_property
    def gross(self) -> float:
        """Return the profit before fees and funding."""
        return round(self.profit + self.fees + self.funding, 8)

    @property
    def realised(self) -> float:
        """Return the profit of what was closed, before fees and funding."""
        return self.ledger.realised / trades.UNITS

    @property
    def unrealised(self) -> float:
        """Return the profit of what is still open; with what was realised it is all there is before costs."""
        return round(self.gross - self.realised, 8)
