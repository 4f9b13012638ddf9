"""The account and each of its strategies as the report sees them: a name, a ledger, a curve, and figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.kernels.accounting import opening
from real_trade.metrics.registry import METRICS
from real_trade.metrics.sample import Sample
from real_trade.model.instrument import MONEY_UNIT, Market
from real_trade.report.formatting import numbered
from real_trade.report.marks import liquidation_fills

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from real_trade.backtest.portfolio_result import LegResult, PortfolioResult, Sums
    from real_trade.metrics.registry import Value

# Figures of one price, or of the quantity held in it: several instruments have none together.
_OF_ONE_INSTRUMENT: Final = frozenset({"market_change", "buy_and_hold", "exposure", "open_position"})
FIGURES: Final = tuple(name for name in METRICS if name not in _OF_ONE_INSTRUMENT)


@dataclass(frozen=True)
class Side:
    """The account, or one strategy of it.

    Attributes:
        name: what tells it from the others.
        time_ms: opening time per bar.
        equity_units: its equity at each close.
        sums: what its ledger comes to.
        legs: what it traded.
        share: of the starting cash; None for the account.
        params: of the strategy; none for the account.
    """

    name: str
    time_ms: NDArray[np.int64]
    equity_units: NDArray[np.int64]
    sums: Sums
    legs: tuple[LegResult, ...]
    share: str | None
    params: Mapping[str, object]

    @property
    def initial_units(self) -> int:
        """Return the starting cash in money units."""
        return self.sums.initial

    @property
    def net_units(self) -> int:
        """Return the profit in money units."""
        return self.sums.equity - self.sums.initial

    @cached_property
    def equity(self) -> NDArray[np.float64]:
        """Return the equity at each close in the settlement currency."""
        return np.multiply(self.equity_units, float(MONEY_UNIT), dtype=np.float64)

    @cached_property
    def liquidated_ms(self) -> NDArray[np.int64]:
        """Return when it was liquidated, ascending."""
        return np.sort(np.concatenate([leg.fill_rows["time_ms"][liquidation_fills(leg)] for leg in self.legs]))

    @cached_property
    def stats(self) -> dict[str, Value]:
        """Return the figures that need no single price, by name."""
        sample = _sample(self)
        return {name: METRICS[name].function(sample) for name in FIGURES}


@dataclass(frozen=True)
class _Together(Sample):
    """What was done in several instruments, whose prices and quantities have no sum, but whose values have.

    Attributes:
        parts: one for each instrument.
    """

    parts: tuple[Sample, ...]

    @cached_property
    def trade_returns(self) -> NDArray[np.float64]:
        """Return net profit over the value at entry, per trade, instrument by instrument."""
        return np.concatenate([part.trade_returns for part in self.parts])

    @cached_property
    def traded_values(self) -> NDArray[np.float64]:
        """Return the value of each fill in settlement currency, instrument by instrument."""
        return np.concatenate([part.traded_values for part in self.parts])


def sides_of(result: PortfolioResult) -> list[Side]:
    """Return the account, and then each strategy."""
    account = Side("Account", result.time_ms, result.equity_units, result.sums, tuple(result.legs), None, {})
    strategies = [
        Side(name, result.time_ms, one.equity_units, one.sums, one.legs, str(one.share), one.params)
        for name, one in zip(names_of(result), result.mandates, strict=True)
    ]
    return [account, *strategies]


def names_of(result: PortfolioResult) -> list[str]:
    """Return what the strategies are called; those of one name are numbered."""
    return numbered([mandate.name for mandate in result.mandates])


def _sample(side: Side) -> Sample:
    trades = np.concatenate([leg.trade_rows for leg in side.legs])
    return _Together(
        time_ms=side.time_ms,
        equity=side.equity,
        close=np.empty(0),
        initial=side.initial_units * float(MONEY_UNIT),
        orders=np.concatenate([leg.order_rows for leg in side.legs]),
        fills=np.concatenate([leg.fill_rows for leg in side.legs]),
        payments=np.concatenate([leg.payment_rows for leg in side.legs]),
        # Runs of wins and losses are counted in order of exit.
        trades=trades[np.argsort(trades["exit_ms"], kind="stable")],
        ledger=opening(0)._replace(realised=side.sums.realised),
        tick_size=np.nan,
        quantity_step=np.nan,
        contract_value=np.nan,
        inverse=False,
        parts=tuple(_part(side, leg) for leg in side.legs),
    )


def _part(side: Side, leg: LegResult) -> Sample:
    return Sample(
        time_ms=side.time_ms,
        equity=side.equity,
        close=np.empty(0),
        initial=side.initial_units * float(MONEY_UNIT),
        orders=leg.order_rows,
        fills=leg.fill_rows,
        payments=leg.payment_rows,
        trades=leg.trade_rows,
        ledger=leg.ledger,
        tick_size=float(leg.instrument.tick_size),
        quantity_step=float(leg.instrument.quantity_step),
        contract_value=float(leg.instrument.contract_value),
        inverse=leg.instrument.market == Market.INVERSE,
    )
