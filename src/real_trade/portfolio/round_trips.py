"""Round trips: from flat to flat. A fill that turns the position closes one and opens the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.kernels.accounting import Terms, worth_of
from real_trade.kernels.arithmetic import multiply_divide

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RoundTrip(NamedTuple):
    """One closed round trip, field by field as in ``backtest.result.TRADE_DTYPE``; prices in ticks."""

    entry_bar: int
    exit_bar: int
    entry_ms: int
    exit_ms: int
    side: int
    lots: int
    entry_ticks: float
    exit_ticks: float
    gross: int
    fees: int
    funding: int
    net: int


class TripsOfFills(NamedTuple):
    """Which round trip each fill belongs to.

    Attributes:
        trip: number of the trip that the fill opens, adds to or closes, from 0; beyond those that were closed, of the
            one that is still open.
        turns: the fill closes that trip and opens the next.
        before: signed lots held before the fill.
        closed: how many trips were closed.
    """

    trip: NDArray[np.int64]
    turns: NDArray[np.bool_]
    before: NDArray[np.int64]
    closed: int


def trips_of_fills(fills: NDArray[Any]) -> TripsOfFills:
    """Return the round trips of one instrument's fills, by number."""
    after = np.cumsum(fills["side"] * fills["lots"])
    before = after - fills["side"] * fills["lots"]
    turns = np.sign(before) * np.sign(after) < 0
    ends = (after == 0) | turns
    return TripsOfFills(np.cumsum(ends) - ends, turns, before, int(ends.sum()))


class _Open:
    """A round trip under way."""

    def __init__(self, bar: int, time_ms: int, side: int, inverse: bool) -> None:
        self.bar, self.time_ms, self.side, self.inverse = bar, time_ms, side, inverse
        self.lots_in = self.lots_out = 0
        self.ticks_in = self.ticks_out = 0.0
        self.flow = self.fees = self.funding = 0

    def add(self, side: int, lots: int, price: int, worth: int, fee: int) -> None:
        self.flow -= worth
        self.fees += fee
        # Inverse contracts have a harmonic mean price: contracts over their value in base.
        weight = lots / price if self.inverse else float(lots * price)
        if side == self.side:
            self.lots_in += lots
            self.ticks_in += weight
        else:
            self.lots_out += lots
            self.ticks_out += weight

    def close(self, bar: int, time_ms: int) -> RoundTrip:
        entry, leaving = self.ticks_in / self.lots_in, self.ticks_out / self.lots_out
        if self.inverse:
            entry, leaving = 1.0 / entry, 1.0 / leaving
        return RoundTrip(
            self.bar,
            bar,
            self.time_ms,
            time_ms,
            self.side,
            self.lots_in,
            entry,
            leaving,
            self.flow,
            self.fees,
            self.funding,
            self.flow - self.fees - self.funding,
        )


def round_trips(fills: NDArray[Any], terms: Terms, payments: NDArray[Any] | None = None) -> list[RoundTrip]:
    """Return the closed round trips of one instrument's fills, in order of exit.

    Gross profit is what was received minus what was paid, in money units, exactly: added up over all trips it is what
    the ledger realised. The fee of a fill that turns the position is split between the two trips by lots, the remainder
    to the second. A payment of funding belongs to the trip that was open before the fills of its bar.
    """
    trips: list[RoundTrip] = []
    position = 0
    trip: _Open | None = None
    due = [] if payments is None else list(zip(payments["bar"].tolist(), payments["amount"].tolist(), strict=True))
    paid = 0
    columns = ("bar", "time_ms", "side", "price_ticks", "lots", "fee")
    for bar, time_ms, side, price, lots, fee in zip(*(fills[name].tolist() for name in columns), strict=True):
        while trip is not None and paid < len(due) and due[paid][0] <= bar:
            trip.funding += due[paid][1]
            paid += 1
        worth = worth_of(side * lots, price, terms)
        if trip is None:
            trip = _Open(bar, time_ms, side, terms.inverse)
        closing = min(lots, abs(position)) if side * position < 0 else 0
        if 0 < closing < lots:
            closing_worth, closing_fee = multiply_divide(worth, closing, lots), fee * closing // lots
            trip.add(side, closing, price, closing_worth, closing_fee)
            trips.append(trip.close(bar, time_ms))
            trip = _Open(bar, time_ms, side, terms.inverse)
            trip.add(side, lots - closing, price, worth - closing_worth, fee - closing_fee)
        else:
            trip.add(side, lots, price, worth, fee)
        position += side * lots
        if position == 0:
            trips.append(trip.close(bar, time_ms))
            trip = None
    return trips
