"""What may have happened inside a bar: trades that reproduce its open, high, low, close and volume exactly.

The same seed, symbol and bar give the same trades, whatever was asked before.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# Trades in a minute of ordinary volume; fewer where the volume does not reach for so many.
ORDINARY: Final = 24


class Print(NamedTuple):
    """One trade of the crowd.

    Attributes:
        offset_ms: after the bar's opening.
        ticks: price.
        lots: at least 1.
        sign: +1 the buyer took, -1 the seller.
    """

    offset_ms: int
    ticks: int
    lots: int
    sign: int


class Candle(NamedTuple):
    """A bar in whole numbers: opening time, ticks, lots."""

    time_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int


def prints_of(candle: Candle, seed: int, symbol: str, length_ms: int = 60_000) -> list[Print]:
    """Return the trades of a bar in order of time; none where nothing was traded.

    They begin at the open, reach high and low, end at the close, and add up to the volume. A bar whose volume has fewer
    lots than that takes (one for each of the four prices that differ from the one before) cannot have traded that way:
    it is given the prices that its lots suffice for, the open and the close last to go.
    """
    if candle.lots <= 0:
        return []
    draw = Random(f"{seed}/{symbol}/{candle.time_ms}")  # noqa: S311 - a market, not a secret
    corners = _corners(candle, draw)
    while len(corners) > candle.lots:
        # An extreme in the middle gives way, else the open.
        corners.pop(1 if len(corners) > 2 else 0)
    prices = _between(corners, min(candle.lots, ORDINARY), draw)
    sizes = _divided(candle.lots, len(prices), draw)
    moments = sorted(draw.randrange(length_ms) for _ in prices)
    found = []
    before = prices[0]
    for moment, ticks, lots in zip(moments, prices, sizes, strict=True):
        sign = 1 if ticks > before or (ticks == before and draw.random() < 0.5) else -1
        found.append(Print(moment, ticks, lots, sign))
        before = ticks
    return found


def made_of(time_ms: int, prints: Sequence[Print]) -> Candle:
    """Return the bar that some trades, one at least, make up."""
    ticks = [trade.ticks for trade in prints]
    return Candle(time_ms, ticks[0], max(ticks), min(ticks), ticks[-1], sum(trade.lots for trade in prints))


def _corners(candle: Candle, draw: Random) -> list[int]:
    """Return open, the extremes in some order, close; without those that repeat the price before them."""
    up, down = candle.high - candle.open, candle.open - candle.low
    # The nearer extreme mostly comes first.
    high_first = draw.random() * (up + down) < down if up + down else True
    extremes = [candle.high, candle.low] if high_first else [candle.low, candle.high]
    corners = [candle.open]
    for ticks in (*extremes, candle.close):
        if ticks != corners[-1]:
            corners.append(ticks)
    return corners


def _between(corners: list[int], count: int, draw: Random) -> list[int]:
    """Return the corners with further prices between them, so many in all; none leaves the span of its leg."""
    legs = len(corners) - 1
    if legs == 0:
        return corners * max(1, count)
    spare = max(0, count - len(corners))
    lengths = [abs(corners[leg + 1] - corners[leg]) for leg in range(legs)]
    shares = [spare * length // max(1, sum(lengths)) for length in lengths]
    prices = [corners[0]]
    for leg in range(legs):
        begin, end = corners[leg], corners[leg + 1]
        inside = [draw.randint(min(begin, end), max(begin, end)) for _ in range(shares[leg])]
        # Mostly forward, with a step back now and then.
        inside.sort(key=lambda ticks, down=end < begin: (-ticks if down else ticks) + draw.gauss(0, 0.1 * lengths[leg]))  # type: ignore[misc]
        prices += [*inside, end]
    return prices


def _divided(lots: int, parts: int, draw: Random) -> list[int]:
    """Return so many parts of a volume, each at least one lot."""
    weights = [draw.expovariate(1.0) + 1e-9 for _ in range(parts)]
    scale = (lots - parts) / sum(weights)
    sizes = [1 + int(weight * scale) for weight in weights]
    sizes[draw.randrange(parts)] += lots - sum(sizes)
    return sizes
