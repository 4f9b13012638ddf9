"""Strategies that know the future, each in its own way. Every one of them must be caught."""

from __future__ import annotations

from typing import Any

import numpy as np

from real_trade.kernels.rolling import rolling_mean
from real_trade.trading import Bar, Bars, Desk, Quantity, Strategy

HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Follower(Strategy):
    """Holds while the signal is positive."""

    size = Quantity("0.01")

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if x.signal > 0.0 and desk.position <= 0:
            desk.target(p.size)
        elif x.signal < 0.0 and desk.position > 0:
            desk.target(0)
        return state


def ahead(column: Any, bars: int = 1) -> Any:
    """Return a column as it will be, its last value repeated."""
    return np.concatenate([column[bars:], np.full(min(bars, len(column)), column[-1])])


def last_of_each(keys: Any) -> Any:
    """Return for each row the last row of its group."""
    ends = np.flatnonzero(np.diff(keys, append=keys[-1] + 1))
    return ends[np.searchsorted(ends, np.arange(len(keys)))]


class NextClose(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": ahead(bars.close) - bars.close}


class NextOpen(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": (ahead(bars.open) - bars.close).astype(float)}


class NextHigh(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": ahead(bars.high) - bars.high}


class NextLow(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": ahead(bars.low) - bars.low}


class NextVolume(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": ahead(bars.volume) - bars.volume}


class BigMoveNext(Follower):
    """Knows the size of the next move, not its direction."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.abs(ahead(bars.close) - bars.close) > 0.001 * bars.close}


class CentredMean(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.convolve(bars.close, np.full(21, 1 / 21), mode="same") - bars.close}


class WholeMean(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": bars.close.mean() - bars.close}


class WholeDeviation(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.nan_to_num(bars.close - rolling_mean(bars.close, 30)) / bars.close.std() - 0.1}


class WholeRange(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        low, high = bars.close.min(), bars.close.max()
        return {"signal": 0.5 - (bars.close - low) / max(high - low, 1)}


class WholeRank(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": 0.5 - np.argsort(np.argsort(bars.close, kind="stable")) / len(bars.close)}


class WholeQuantile(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        ordered = np.sort(bars.volume)
        return {"signal": bars.volume - ordered[len(ordered) * 9 // 10]}


class HourCloseSpread(Follower):
    """Resamples to hours, and gives each minute the close of its hour."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": bars.close[last_of_each(bars.time_ms // HOUR_MS)] - bars.close}


class TodaysRange(Follower):
    """Pivot of the day that is still running."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        days = bars.time_ms // DAY_MS
        starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
        of_row = np.searchsorted(starts, np.arange(len(days)), side="right") - 1
        pivot = (np.maximum.reduceat(bars.high, starts) + np.minimum.reduceat(bars.low, starts)) / 2
        return {"signal": pivot[of_row] - bars.close}


class HighOfTheDay(Follower):
    """Holds until the day's high, which it finds with argmax over the whole day."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        days = bars.time_ms // DAY_MS
        signal = np.empty(len(days))
        for day in np.unique(days):
            rows = np.flatnonzero(days == day)
            signal[rows] = np.where(np.arange(len(rows)) < np.argmax(bars.high[rows]), 1.0, -1.0)
        return {"signal": signal}


class Labels(Follower):
    """Uses as a feature what a model should learn: the return over the next five bars."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": ahead(bars.close, 5) / bars.close - 1.0}


class FilledFromTheFuture(Follower):
    """Knows a value now and then, and fills the holes with the next one."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        rows = np.arange(len(bars.close))
        known = np.minimum(-(-rows // 30) * 30, len(rows) - 1)
        return {"signal": bars.close[known] - bars.close}


class FromTheEnd(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        moves = np.diff(bars.close, prepend=bars.close[0])
        return {"signal": np.cumsum(moves[::-1])[::-1].astype(float)}


class BackwardMean(Follower):
    """An exponential mean run from the end."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        mean = np.empty(len(bars.close))
        value = float(bars.close[-1])
        for row in range(len(mean) - 1, -1, -1):
            value += 0.1 * (bars.close[row] - value)
            mean[row] = value
        return {"signal": mean - bars.close}


class FourierSmooth(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        spectrum = np.fft.rfft(bars.close)
        spectrum[len(spectrum) // 20 :] = 0
        return {"signal": np.fft.irfft(spectrum, len(bars.close)) - bars.close}


class PolynomialTrend(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        x = np.linspace(-1.0, 1.0, len(bars.close))
        return {
            "signal": np.polynomial.polynomial.polyval(x, np.polynomial.polynomial.polyfit(x, bars.close, 3))
            - bars.close
        }


class Interpolated(Follower):
    """Draws straight lines between the closes of hours."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        ends = np.unique(last_of_each(bars.time_ms // HOUR_MS))
        return {"signal": np.interp(np.arange(len(bars.close)), ends, bars.close[ends]) - bars.close}


class BestWindow(Follower):
    """Chooses its parameter by what would have earned most on all the data."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        moves = np.diff(bars.close, append=bars.close[-1])
        signals = [np.nan_to_num(bars.close - rolling_mean(bars.close, window)) for window in range(5, 60, 5)]
        return {"signal": max(signals, key=lambda signal: float((np.sign(signal) * moves).sum()))}


class RareBars(Follower):
    """Looks ahead on the first bar of a day only."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        past = np.diff(bars.close, prepend=bars.close[0])
        return {"signal": np.where(bars.time_ms % DAY_MS == 0, ahead(bars.close) - bars.close, past)}


class RareTrades(Follower):
    """Trades on one bar in some hundreds, and knows the next one there."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        rare = bars.time_ms // 60_000 * 2_654_435_761 % 397 == 0
        return {"signal": np.where(rare, ahead(bars.close) - bars.close, 0)}


class BeforeAGap(Follower):
    """Is out before the data stop for a while."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.where(np.diff(bars.time_ms, append=bars.time_ms[-1] + 60_000) > 60_000, -1.0, 1.0)}


class BeforeTheEnd(Follower):
    """Is out ten bars before the data end."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.where(np.arange(len(bars.close)) < len(bars.close) - 10, 1.0, -1.0)}


class FinalPrice(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": (bars.close[-1] - bars.close).astype(float)}


class HiddenInDust(Follower):
    """Hides the next move in digits that look like rounding, and reads them."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"dusty": bars.close * (1.0 + 1e-12 * np.sign(ahead(bars.close) - bars.close))}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if x.dusty > bar.close and desk.position <= 0:
            desk.target(p.size)
        elif x.dusty < bar.close and desk.position > 0:
            desk.target(0)
        return state


class OnlyWhenLong(Strategy):
    """Enters by the past, leaves by the future."""

    size = Quantity("0.01")

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"mean": rolling_mean(bars.close, 20), "next": ahead(bars.close)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if desk.position > 0:
            if x.next < bar.close:
                desk.target(0)
        elif bar.close > x.mean:
            desk.target(p.size)
        return state
