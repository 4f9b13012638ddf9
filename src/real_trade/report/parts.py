"""What the report needs of a result, so that a whole backtest and a part of a portfolio are shown by the same code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from real_trade.model.instrument import Instrument


class Traded(Protocol):
    """What was done in one instrument: a backtest, or one leg of a portfolio; arrays as in `BacktestResult`."""

    @property
    def instrument(self) -> Instrument:
        """Return what was traded."""
        ...

    @property
    def order_rows(self) -> NDArray[Any]:
        """Return the orders."""
        ...

    @property
    def fill_rows(self) -> NDArray[Any]:
        """Return the fills."""
        ...

    @property
    def payment_rows(self) -> NDArray[Any]:
        """Return the payments of funding."""
        ...

    @property
    def trade_rows(self) -> NDArray[Any]:
        """Return the closed round trips."""
        ...


class Valued(Protocol):
    """What was worth something over time: a backtest, or the account of a portfolio."""

    @property
    def time_ms(self) -> NDArray[np.int64]:
        """Return the opening time of each bar."""
        ...

    @property
    def equity_units(self) -> NDArray[np.int64]:
        """Return the equity at each close in money units."""
        ...

    @property
    def initial_units(self) -> int:
        """Return the starting cash in money units."""
        ...
