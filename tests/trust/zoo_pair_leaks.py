"""Strategies of two symbols that know the future of one of them, or of both. Every one of them must be caught."""

from __future__ import annotations

from typing import Any

import numpy as np

from real_trade.kernels.rolling import rolling_mean
from real_trade.trading import Bar, Bars, Desk, Quantity, Strategy

HOUR_MS = 3_600_000


class Spreader(Strategy):
    """Holds the first symbol against the second while the signal is positive."""

    symbols = 2
    size = Quantity("0.01")
    other = Quantity("0.01", symbol=1)

    @staticmethod
    def on_bars(bars: tuple[Bar, ...], x: Any, state: Any, p: Any, desks: tuple[Desk, ...]) -> Any:
        if x.signal > 0.0 and desks[0].position <= 0:
            desks[0].target(p.size)
            desks[1].target(-p.other)
        elif x.signal < 0.0 and desks[0].position > 0:
            desks[0].target(0)
            desks[1].target(0)
        return state


def ahead(column: Any, bars: int = 1) -> Any:
    """Return a column as it will be, its last value repeated."""
    return np.concatenate([column[bars:], np.full(min(bars, len(column)), column[-1])])


def spread_of(bars: tuple[Bars, ...]) -> Any:
    return np.log(bars[0].close / bars[1].close)


class WholeSpread(Spreader):
    """The spread's score by mean and deviation of the whole series."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        spread = spread_of(bars)
        return {"signal": (spread.mean() - spread) / max(spread.std(), 1e-12)}


class OthersNextClose(Spreader):
    """Trades the first symbol by the next close of the second."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"signal": ahead(bars[1].close) - bars[1].close}


class ResampledTogether(Spreader):
    """Resamples both to hours, and gives each minute the spread at the end of its hour."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        hours = bars[0].time_ms // HOUR_MS
        ends = np.flatnonzero(np.diff(hours, append=hours[-1] + 1))
        closing = ends[np.searchsorted(ends, np.arange(len(hours)))]
        spread = spread_of(bars)
        return {"signal": spread[closing] - spread}


class WholeHedgeRatio(Spreader):
    """Weighs the second symbol by a regression over all the data."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        first, second = np.log(bars[0].close), np.log(bars[1].close)
        slope = np.cov(first, second)[0, 1] / max(second.var(), 1e-12) if len(first) > 1 else 1.0
        rest = first - slope * second
        return {"signal": np.nan_to_num(rolling_mean(rest, 60) - rest)}


class BestLag(Spreader):
    """Shifts the second symbol by what fitted the first best, be it into the future."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        moves = [np.diff(each.close, prepend=each.close[0]).astype(float) for each in bars]
        shifted = [np.roll(moves[1], lag) for lag in range(-4, 5)]
        return {"signal": max(shifted, key=lambda column: float((column * moves[0]).sum()))}


class FilledHoles(Spreader):
    """Puts into the bars that the second symbol lacks the close that comes after them."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        rows = np.arange(len(bars[1].close))
        there = np.where(bars[1].synthetic, len(rows) - 1, rows)
        following = np.minimum.accumulate(there[::-1])[::-1]
        return {"signal": bars[1].close[following] - rolling_mean(bars[1].close, 5)}


class MoveTogether(Spreader):
    """Knows whether the two will move the same way next, not which."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"signal": np.sign(ahead(bars[0].close) - bars[0].close) * np.sign(ahead(bars[1].close) - bars[1].close)}


class SecondOnly(Strategy):
    """Trades the first symbol by the past, and the second by what a feature hides in digits that look like rounding."""

    symbols = 2
    size = Quantity("0.01")
    other = Quantity("0.01", symbol=1)

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {
            "mean": rolling_mean(bars[0].close, 20),
            "dusty": bars[1].close * (1.0 + 1e-12 * np.sign(ahead(bars[1].close) - bars[1].close)),
        }

    @staticmethod
    def on_bars(bars: tuple[Bar, ...], x: Any, state: Any, p: Any, desks: tuple[Desk, ...]) -> Any:
        desks[0].target(p.size if bars[0].close > x.mean else 0)
        desks[1].target(p.other if x.dusty > bars[1].close else 0)
        return state


class WritesTheOther(Spreader):
    """Moves the bars of the second symbol."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        bars[1].close[:-1] = bars[1].close[1:]
        return {"signal": bars[1].close - bars[1].open}
