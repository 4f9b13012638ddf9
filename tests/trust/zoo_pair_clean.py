"""Strategies of two symbols that know only the past. None of them may be accused."""

from __future__ import annotations

from typing import Any, NamedTuple

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


def behind(column: Any, bars: int) -> Any:
    """Return a column as it was, its first value repeated."""
    return np.concatenate([np.full(min(bars, len(column)), column[0]), column[:-bars]])[: len(column)]


def spread_of(bars: tuple[Bars, ...]) -> Any:
    """Return the spread in whole millionths: sums of whole numbers do not depend on how many went before."""
    return np.rint(np.log(bars[0].close / bars[1].close) * 1e6)


class RollingSpread(Spreader):
    """The spread's score over the last two hours."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        spread = spread_of(bars)
        mean, square = rolling_mean(spread, 120), rolling_mean(spread * spread, 120)
        return {"signal": (mean - spread) / np.sqrt(np.maximum(square - mean * mean, 1.0))}


class RollingBeta(Spreader):
    """Weighs the second symbol by a regression over the last 90 bars."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        moves = [np.diff(each.close, prepend=each.close[0]) for each in bars]
        product, square = rolling_mean(moves[0] * moves[1], 90), rolling_mean(moves[1] * moves[1], 90)
        beta = product / np.maximum(square, 1.0)
        return {"signal": beta * moves[1] - moves[0]}


class LastHourOfTheOther(Spreader):
    """Compares the first symbol with the last complete hour of the second."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        hours = bars[0].time_ms // HOUR_MS
        starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1))
        of_row = np.searchsorted(starts, np.arange(len(hours)), side="right") - 1
        closes = bars[1].close[np.maximum(starts - 1, 0)]
        before = closes[np.maximum(of_row - 1, 0)]
        return {"signal": np.where(of_row > 1, closes[of_row] - before, 0)}


class OthersLastMove(Spreader):
    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"signal": behind(bars[1].close, 1) - behind(bars[1].close, 2)}


class RelativeStrength(Spreader):
    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        return {"signal": bars[0].close / behind(bars[0].close, 60) - bars[1].close / behind(bars[1].close, 60)}


class LastRealClose(Spreader):
    """Looks at bars that were traded only, and takes the last of them where one is missing."""

    @staticmethod
    def features(bars: Any, p: Any) -> Any:
        rows = np.maximum.accumulate(np.where(bars[1].synthetic, 0, np.arange(len(bars[1].close))))
        return {"signal": rolling_mean(bars[1].close[rows], 30) - bars[1].close[rows]}


class Turns(NamedTuple):
    left: int = 0


class TakesTurns(Strategy):
    """Has no features: holds now the one and now the other, as its state says, and asks the ledgers of both."""

    symbols = 2
    size = Quantity("0.01")
    other = Quantity("0.01", symbol=1)
    State = Turns

    @staticmethod
    def on_bars(bars: tuple[Bar, ...], x: Any, state: Any, p: Any, desks: tuple[Desk, ...]) -> Any:
        if state.left == 0:
            holds = desks[0].position > 0
            desks[0].target(0 if holds else p.size)
            desks[1].target(p.other if holds else 0)
            return Turns(45)
        return Turns(state.left - 1)
