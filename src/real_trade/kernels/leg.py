"""One strategy in one instrument, a bar at a time: orders, liquidation and funding together."""

from __future__ import annotations

from typing import Any

from real_trade.kernels.accounting import Ledger, Terms, pay_funding
from real_trade.kernels.book import match_bar
from real_trade.kernels.funding import funding_of
from real_trade.kernels.jit import compiled, int_table
from real_trade.kernels.liquidation import liquidate
from real_trade.kernels.tables import (
    FAR,
    P_AMOUNT,
    P_BAR,
    P_LOTS,
    P_PRICE,
    P_RATE,
    P_TIME,
    PAYMENT_COLUMNS,
    Counts,
    Market,
)


@compiled
def meet_bar(
    market: Market,
    mark_low: int,
    mark_high: int,
    orders: Any,
    working: Any,
    fills: Any,
    counts: Counts,
    ledger: Ledger,
    terms: Terms,
    tiers: Any,
    backing: int,
    below: int,
    above: int,
    alone: bool,
) -> tuple[Counts, Ledger, int, int, int]:
    """Let orders and position meet a bar; return counts, ledger, lots that may still be filled, and the new band.

    Args:
        market: the bar.
        mark_low, mark_high: extremes of the mark price in it.
        orders, working, fills: handles of the tables; orders have room for one row more, fills for two per open order
            and one more.
        counts, ledger, terms, tiers: the account in this instrument.
        backing: see `accounting.refuse_fill`.
        below, above: mark prices that liquidate the position, as `liquidation_band` gives them.
        alone: nothing else backs the position, so that those prices can be told from this ledger.
    """
    left = market.lots
    if counts.working > 0:
        counts, ledger, left, below, above = match_bar(
            market, mark_low, mark_high, orders, working, fills, counts, ledger, terms, tiers, backing, below, above,
            alone,
        )  # fmt: skip
    if mark_low <= below or mark_high >= above:
        price = below if mark_low <= below else above
        counts, ledger = liquidate(market, price, orders, working, fills, counts, ledger, terms, 0)
        below, above = -1, FAR
    return counts, ledger, left, below, above


@compiled
def settle_funding(
    bar: int, time_ms: int, price_ticks: int, rate: int, payments: Any, counts: Counts, ledger: Ledger, terms: Terms
) -> tuple[Counts, Ledger]:
    """Charge a settlement of funding on an open position; the table, a handle, has room for one row more."""
    payments = int_table(payments, PAYMENT_COLUMNS)
    amount = funding_of(
        ledger.position, price_ticks, rate, terms.value_numerator, terms.value_denominator, terms.inverse
    )
    row = counts.payments
    payments[row, P_BAR] = bar
    payments[row, P_TIME] = time_ms
    payments[row, P_LOTS] = ledger.position
    payments[row, P_PRICE] = price_ticks
    payments[row, P_RATE] = rate
    payments[row, P_AMOUNT] = amount
    after = Counts(counts.orders, counts.fills, row + 1, counts.working, counts.lower, counts.upper, counts.failure)
    return after, pay_funding(ledger, amount)
