"""What a backtest of several strategies leaves behind: the account, and under it a sub-ledger for each strategy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.kernels.accounting import worth_of
from real_trade.model.instrument import MONEY_UNIT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from numpy.typing import NDArray

    from real_trade.backtest.engine import LegTables
    from real_trade.backtest.result import DataFacts
    from real_trade.kernels.accounting import Ledger, Terms
    from real_trade.model.instrument import Instrument


class Sums(NamedTuple):
    """What a ledger comes to, money units: ``cash + worth = initial + realised + unrealised - fees - funding``.

    Attributes:
        initial: cash that it began with.
        realised, unrealised: profit before fees and funding, of what was closed and of what is open.
        fees, funding: paid.
        worth: of the open position at the last close.
        margin: initial margin of the open position.
    """

    initial: int
    realised: int
    unrealised: int
    fees: int
    funding: int
    worth: int
    margin: int

    @property
    def equity(self) -> int:
        """Return what is there in all."""
        return self.initial + self.realised + self.unrealised - self.fees - self.funding

    @classmethod
    def of(cls, parts: list[Sums]) -> Sums:
        """Add up."""
        return cls(*(sum(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True, slots=True)
class LegResult:
    """One instrument of one strategy.

    Attributes:
        instrument: what was traded.
        data: what it was traded on.
        terms: of the account in it.
        close: int64, ticks per bar of the timeline.
        tables: orders, fills, funding payments, ledger.
        trade_rows: closed round trips.
    """

    instrument: Instrument
    data: DataFacts
    terms: Terms
    close: NDArray[np.int64]
    tables: LegTables
    trade_rows: NDArray[Any]

    @property
    def symbol(self) -> str:
        """Return the venue's spelling."""
        return self.instrument.symbol

    @property
    def ledger(self) -> Ledger:
        """Return the sub-ledger at the end; its cash counts what the strategy began with only in its first leg."""
        return self.tables.ledger

    @property
    def order_rows(self) -> NDArray[Any]:
        """Return the orders, as in `BacktestResult`."""
        return self.tables.orders

    @property
    def fill_rows(self) -> NDArray[Any]:
        """Return the fills, as in `BacktestResult`."""
        return self.tables.fills

    @property
    def payment_rows(self) -> NDArray[Any]:
        """Return the payments of funding, as in `BacktestResult`."""
        return self.tables.payments

    def sums(self, initial: int) -> Sums:
        """Return what the ledger comes to, if it began with so much cash."""
        ledger, terms = self.ledger, self.terms
        worth = worth_of(ledger.position, int(self.close[-1]), terms)
        margin = -(-abs(worth) // terms.leverage) if terms.short_allowed else 0
        if terms.isolated:
            margin = ledger.margin
        unrealised = worth - ledger.cost
        return Sums(initial, ledger.realised, unrealised, ledger.fees, ledger.funding, worth, margin)


@dataclass(frozen=True, slots=True)
class MandateResult:
    """One strategy of the account.

    Attributes:
        strategy: its name.
        params: its parameters, as given or defaulted.
        share: of the starting cash.
        cash_units: that share in money units.
        equity_units: int64, its equity at each bar's close.
        legs: one for each of its instruments.
    """

    strategy: str
    params: Mapping[str, object]
    share: Decimal
    cash_units: int
    equity_units: NDArray[np.int64]
    legs: tuple[LegResult, ...]

    @property
    def name(self) -> str:
        """Return strategy and symbols."""
        return f"{self.strategy} {'+'.join(leg.symbol for leg in self.legs)}"

    @property
    def sums(self) -> Sums:
        """Return what its sub-ledger comes to."""
        return Sums.of([leg.sums(0 if place else self.cash_units) for place, leg in enumerate(self.legs)])


@dataclass(frozen=True)
class PortfolioResult:
    """One finished backtest of several strategies in one account.

    Attributes:
        mandates: one for each strategy, in their order.
        time_ms: int64, opening time per bar.
        settings: of the account, as text or numbers.
        hashes: ``data, code, config, orders``: sha256 each.
        runner: ``compiled``, ``python`` or ``reference``.
        warnings: sentences for the reader.
        trust: what the trust checks found, JSON-ready; None if none was run. ``mandates`` has the
            ``name``, the ``lookahead`` and the ``warmup`` of each strategy; ``capacity`` has a row for each leg, with
            its ``name`` and ``symbol``; ``range, costs, monte_carlo, trials`` are the account's, as in
            `BacktestResult`.
    """

    mandates: tuple[MandateResult, ...]
    time_ms: NDArray[np.int64]
    settings: Mapping[str, object]
    hashes: Mapping[str, str]
    runner: str
    warnings: tuple[str, ...] = ()
    trust: Mapping[str, Any] | None = None

    @cached_property
    def equity_units(self) -> NDArray[np.int64]:
        """Return the account's equity at each close: the sum of the strategies', exactly."""
        total = np.zeros(len(self.time_ms), np.int64)
        for mandate in self.mandates:
            total += mandate.equity_units
        return total

    @property
    def sums(self) -> Sums:
        """Return what the account comes to: the sum of its sub-ledgers, exactly."""
        return Sums.of([mandate.sums for mandate in self.mandates])

    @property
    def initial_units(self) -> int:
        """Return the starting cash in money units."""
        return sum(mandate.cash_units for mandate in self.mandates)

    @property
    def strategy(self) -> str:
        """Return what trials of this account are counted under: the strategy, or of several each with its symbols."""
        if len(self.mandates) == 1:
            return self.mandates[0].strategy
        return ", ".join(mandate.name for mandate in self.mandates)

    @property
    def params(self) -> Mapping[str, object]:
        """Return the parameters: the strategy's, or of several each one's under its number and name."""
        if len(self.mandates) == 1:
            return self.mandates[0].params
        return {f"{number} {mandate.name}": dict(mandate.params) for number, mandate in enumerate(self.mandates, 1)}

    @property
    def currency(self) -> str:
        """Return the settlement currency."""
        return self.mandates[0].legs[0].instrument.settle

    @property
    def legs(self) -> list[LegResult]:
        """Return every leg, in order."""
        return [leg for mandate in self.mandates for leg in mandate.legs]

    def __repr__(self) -> str:
        """Return one line: strategies and net profit."""
        net = (self.sums.equity - self.initial_units) * float(MONEY_UNIT)
        return f"<PortfolioResult {', '.join(mandate.name for mandate in self.mandates)} net={net:.2f}>"
