"""Bars from single trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from real_trade.model.errors import MarketDataError
from real_trade.model.series import Klines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.interval import Interval


def bars_of_trades(
    time_ms: NDArray[np.int64],
    price: NDArray[np.float64],
    size: NDArray[np.float64],
    interval: Interval,
    *,
    inverse: bool = False,
) -> Klines:
    """Return the bars of all trades of a span.

    A bar opens at its first trade and closes at its last. As every trade of the span is there, a bar without one is
    known to be empty: it is flat at the last close with volume 0, as venues show it, and not a gap. Trades of the
    same millisecond stay in the order given.

    Args:
        time_ms: milliseconds UTC, in any order.
        price, size: in quote and base; on an inverse market sizes are in quote.
        interval: length of the bars; not a month.
        inverse: turnover is in base: size divided by price.
    """
    if not len(time_ms):
        return Klines.empty()
    if np.any(time_ms[1:] < time_ms[:-1]):
        order = np.argsort(time_ms, kind="stable")
        time_ms, price, size = time_ms[order], price[order], size[order]
    start = interval.floor(int(time_ms[0]))
    slot = (time_ms - start) // interval.length_ms
    first = np.flatnonzero(np.diff(slot, prepend=-1))
    traded, count = slot[first], int(slot[-1]) + 1
    close = price[np.append(first[1:], len(price)) - 1]
    # Bars without a trade take the close of the last bar with one.
    source = np.searchsorted(traded, np.arange(count), side="right") - 1
    closes = close[source]
    opens, highs, lows = closes.copy(), closes.copy(), closes.copy()
    opens[traded] = price[first]
    highs[traded] = np.maximum.reduceat(price, first)
    lows[traded] = np.minimum.reduceat(price, first)
    volume, turnover = np.zeros(count), np.zeros(count)
    volume[traded] = np.add.reduceat(size, first)
    turnover[traded] = np.add.reduceat(size / price if inverse else price * size, first)
    stamps = start + np.arange(count, dtype=np.int64) * interval.length_ms
    return Klines.of(stamps, opens, highs, lows, closes, volume, turnover)


def refuse_bad_trades(place: str, price: NDArray[np.float64], size: NDArray[np.float64]) -> None:
    """Refuse prices and sizes that no trade can have.

    Raises:
        MarketDataError: names the first one, counted from 1.
    """
    for name, values in (("price", price), ("size", size)):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            row = int(bad[0])
            raise MarketDataError(
                f"{place}: trade {row + 1} has {name} {values[row]}.",
                code="bad_trade",
                field=name,
                value=float(values[row]),
                fix="Fetch the archive again; a trade has a positive price and size.",
            )
