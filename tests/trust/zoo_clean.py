"""Strategies that know only the past, some of them in ways that look suspicious. None of them may be accused."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from real_trade.kernels.indicators import exponential_mean, session_vwap
from real_trade.kernels.rolling import rolling_max, rolling_mean
from real_trade.trading import Bar, Bars, Desk, Int, Quantity, Strategy, compiled

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


def behind(column: Any, bars: int) -> Any:
    """Return a column as it was, its first value repeated."""
    return np.concatenate([np.full(min(bars, len(column)), column[0]), column[:-bars]])[: len(column)]


def groups(keys: Any) -> tuple[Any, Any]:
    """Return the first row of each group and, for each row, the number of its group."""
    starts = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    return starts, np.searchsorted(starts, np.arange(len(keys)), side="right") - 1


class LastHour(Follower):
    """Resamples to hours, and uses the last one that is complete."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        starts, of_row = groups(bars.time_ms // HOUR_MS)
        closes = bars.close[np.maximum(starts - 1, 0)]
        return {"signal": np.where(of_row > 0, bars.close - closes[of_row], 0)}


class YesterdaysLevels(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        starts, of_row = groups(bars.time_ms // DAY_MS)
        pivots = (np.maximum.reduceat(bars.high, starts) + np.minimum.reduceat(bars.low, starts)) / 2
        return {"signal": np.where(of_row > 0, bars.close - pivots[of_row - 1], np.nan)}


class TodaySoFar(Follower):
    """The day's range as far as it has come."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        high = np.empty(len(bars.close))
        for row in range(len(high)):
            is_new = row == 0 or bars.time_ms[row] // DAY_MS != bars.time_ms[row - 1] // DAY_MS
            high[row] = bars.high[row] if is_new else max(high[row - 1], bars.high[row])
        return {"signal": bars.close - 0.995 * high}


class ExpandingMean(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": bars.close - np.cumsum(bars.close) / np.arange(1, len(bars.close) + 1)}


class ExpandingScore(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        count = np.arange(1, len(bars.close) + 1)
        moves = np.diff(bars.close, prepend=bars.close[0]).astype(float)
        deviation = np.sqrt(np.maximum(np.cumsum(moves**2) / count - (np.cumsum(moves) / count) ** 2, 0.0))
        return {"signal": moves / np.maximum(deviation, 1.0) - 1.0}


class HighestEver(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": bars.close - 0.98 * np.maximum.accumulate(bars.high)}


class Exponential(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": exponential_mean(bars.close, 20) - exponential_mean(bars.close, 50)}


class PandasMeans(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        import pandas as pd

        close = pd.Series(bars.close.astype(float))
        return {"signal": (close.ewm(span=15).mean() - close.rolling(40).mean()).to_numpy()}


class WindowRank(Follower):
    """Rank in a window; needs a window's worth of bars to be computed at all."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(bars.close, 50)
        rank = (windows < windows[:, -1:]).mean(axis=1) - 0.5
        return {"signal": np.concatenate([np.zeros(49), rank])}


class MatrixProduct(Follower):
    """A weighted window as a matrix product, which rounds by the number of rows."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        weights = np.sin(np.arange(33) + 0.5)
        windows = np.lib.stride_tricks.sliding_window_view(bars.close / 7.0, 33)
        return {"signal": np.concatenate([np.zeros(32), np.ascontiguousarray(windows) @ (weights - weights.mean())])}


class FourierWindow(Follower):
    """A mean of the past computed by a transform of all, which rounds by the length of all."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        n = len(bars.close)
        length = 2 * n + 64
        kernel = np.full(30, 1 / 30)
        mean = np.fft.irfft(np.fft.rfft(bars.close, length) * np.fft.rfft(kernel, length), length)[:n]
        return {"signal": np.where(np.arange(n) < 30, 0.0, bars.close - mean)}


class HashOfTime(Follower):
    """Random, by the time alone."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": (bars.time_ms // 60_000 * 2_654_435_761 % 2**32) / 2**31 - 1.0}


class NoiseByRow(Follower):
    """Random, by a seed and the row's number."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.random.default_rng(5).normal(size=len(bars.close))}


class HoursOfTheDay(Follower):
    """A whole number and a flag from the clock."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        hour = bars.time_ms // HOUR_MS % 24
        return {"signal": np.where(hour < 12, 1, -1), "evening": hour > 17}


class VolumeSpike(Strategy):
    """Looks at the bar's own volume, high and low."""

    size = Quantity("0.01")

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"usual": np.concatenate([[np.nan], np.minimum.accumulate(bars.volume)[:-1] + 8.0])}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if bar.volume > x.usual and bar.close - bar.low > bar.high - bar.close:
            desk.target(p.size)
        elif desk.position > 0 and bar.volume < 1.0:
            desk.target(0)
        return state


class NothingButMissing(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.full(len(bars.close), np.nan)}


class NeverTrades(Strategy):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"row": np.arange(len(bars.close)), "total": np.cumsum(bars.volume)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        return state


class Count(NamedTuple):
    bars: int = 0
    mean: float = 0.0


class EveryFortyBars(Strategy):
    """A state machine that counts, and no features."""

    size = Quantity("0.01")
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars % 40 == 39:
            desk.target(0 if desk.position > 0 else p.size)
        return Count(state.bars + 1, 0.0)


class MeanInState(Strategy):
    size = Quantity("0.01")
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        mean = float(bar.close) if state.bars == 0 else state.mean + 0.05 * (bar.close - state.mean)
        if state.bars > 100 and bar.close > mean * 1.001 and desk.position == 0:
            desk.target(p.size)
        elif bar.close < mean and desk.position > 0:
            desk.target(0)
        return Count(state.bars + 1, mean)


class OnBalanceVolume(Strategy):
    """A running total of which only the changes are used."""

    size = Quantity("0.01")
    State = Count

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        moves = np.sign(np.diff(bars.close, prepend=bars.close[0]))
        return {"total": np.cumsum(moves * np.rint(bars.volume * 1000.0))}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars > 0 and x.total - state.mean > 8000.0 and desk.position == 0:
            desk.target(p.size)
        elif x.total - state.mean < -8000.0 and desk.position > 0:
            desk.target(0)
        return Count(state.bars + 1, x.total)


class ColumnsThemselves(Follower):
    """Returns columns of the bars as they are, beside a signal."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"close": bars.close, "volume": bars.volume, "signal": bars.close - behind(bars.close, 30)}


class Ladder(Strategy):
    """Many limit and stop orders, moved now and then."""

    size = Quantity("0.001")
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars % 25 == 0:
            desk.cancel_all()
            for step in range(1, 6):
                desk.buy_limit(p.size, bar.close - step * 900)
            if desk.position > 0:
                desk.sell_stop(desk.position, bar.low - 6000)
                desk.sell_limit(desk.position, bar.high + 1200)
        return Count(state.bars + 1, 0.0)


class ShareOfEquity(Strategy):
    """A size that depends on the account."""

    window = Int(60, 2, 1000)

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"top": rolling_max(bars.close, p.window), "mean": rolling_mean(bars.close, p.window)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if bar.close >= x.top and desk.position == 0:
            desk.target(int(0.2 * desk.equity(bar.close) / (bar.close * desk.point_value)))
        elif bar.close < x.mean and desk.position > 0:
            desk.target(0)
        return state


KEPT: dict[bytes, Any] = {}


class KeptByContents(Follower):
    """Remembers what it has computed, under all that it was computed from."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        key = bars.close.tobytes()
        if key not in KEPT:
            KEPT[key] = bars.close - rolling_mean(bars.close, 25)
        return {"signal": KEPT[key]}


WEIGHTS = np.array([math.cos(2 * math.pi * hour / 24) for hour in range(24)])


@cache
def threshold(window: int) -> float:
    return 1.0 / window


class ConstantTable(Strategy):
    """Reads a table of the module, in features and in on_bar, and a cached number."""

    size = Quantity("0.01")

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        hour = bars.time_ms // HOUR_MS % 24
        return {"hour": hour, "lean": WEIGHTS[hour] + threshold(7)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if WEIGHTS[x.hour] + x.lean > 1.0 and desk.position == 0:
            desk.target(p.size)
        elif WEIGHTS[x.hour] < 0.0 and desk.position > 0:
            desk.target(0)
        return state


SCRATCH = np.zeros(8000)


class ReusedArray(Follower):
    """Returns views of one array, so that a later call rewrites what an earlier one gave."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        view = SCRATCH[: len(bars.close)]
        np.subtract(bars.close, behind(bars.close, 20), out=view)
        return {"signal": view}


class RefusesShortHistory(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        if len(bars.close) < 700:
            raise ValueError("fewer than 700 bars")
        return {"signal": bars.close - behind(bars.close, 600)}


class DaysVwap(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": bars.close - session_vwap(bars.time_ms, bars.high, bars.low, bars.close, bars.volume)}


@compiled
def is_hammer(open_: int, high: int, low: int, close: int) -> bool:
    return close > open_ and min(open_, close) - low > 2 * (high - max(open_, close))


class Hammer(Strategy):
    """Looks at single bars, through a compiled helper; leaves at a stop."""

    size = Quantity("0.01")

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if desk.position == 0 and is_hammer(bar.open, bar.high, bar.low, bar.close):
            desk.cancel_all()
            desk.buy(p.size)
        elif desk.position > 0 and desk.open_orders == 0:
            desk.sell_stop(desk.position, int(desk.entry_price * 0.998))
        elif desk.position > 0 and bar.close > desk.entry_price * 1.002:
            desk.cancel_all()
            desk.target(0)
        return state
