"""Round trips: from flat to flat. A fill that turns the position closes one and opens the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.accounting import Terms, value_of

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
    net: int


class _Open:
    """A round trip under way."""

    def __init__(self, bar: int, time_ms: int, side: int) -> None:
        self.bar, self.time_ms, self.side = bar, time_ms, side
        self.lots_in = self.lots_out = self.ticks_in = self.ticks_out = 0
        self.flow = self.fees = 0

    def add(self, side: int, lots: int, price: int, value: int, fee: int) -> None:
        self.flow -= side * value
        self.fees += fee
        if side == self.side:
            self.lots_in += lots
            self.ticks_in += lots * price
        else:
            self.lots_out += lots
            self.ticks_out += lots * price

    def close(self, bar: int, time_ms: int) -> RoundTrip:
        return RoundTrip(
            self.bar,
            bar,
            self.time_ms,
            time_ms,
            self.side,
            self.lots_in,
            self.ticks_in / self.lots_in,
            self.ticks_out / self.lots_out,
            self.flow,
            self.fees,
            self.flow - self.fees,
        )


def round_trips(fills: NDArray[Any], terms: Terms) -> list[RoundTrip]:
    """Return the closed round trips of one instrument's fills, in order of exit.

    Gross profit is what was received minus what was paid, in money units, exactly. The fee of a fill that turns the
    position is split between the two trips by lots, the remainder to the second.
    """
    trips: list[RoundTrip] = []
    position = 0
    trip: _Open | None = None
    columns = ("bar", "time_ms", "side", "price_ticks", "lots", "fee")
    for bar, time_ms, side, price, lots, fee in zip(*(fills[name].tolist() for name in columns), strict=True):
        value = value_of(lots, price, terms)
        if trip is None:
            trip = _Open(bar, time_ms, side)
        closing = min(lots, abs(position)) if side * position < 0 else 0
        if 0 < closing < lots:
            closing_value, closing_fee = value_of(closing, price, terms), fee * closing // lots
            trip.add(side, closing, price, closing_value, closing_fee)
            trips.append(trip.close(bar, time_ms))
            trip = _Open(bar, time_ms, side)
            trip.add(side, lots - closing, price, value - closing_value, fee - closing_fee)
        else:
            trip.add(side, lots, price, value, fee)
        position += side * lots
        if position == 0:
            trips.append(trip.close(bar, time_ms))
            trip = None
    return trips
