"""Strategies that know the future through what they write or keep. Every one of them must be caught."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import numpy as np

from real_trade.trading import Bar, Bars, Desk, Quantity, Strategy


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


class WritesBars(Follower):
    """Moves the bars themselves, so that the whole run is about other ones."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        bars.close[:-1] = bars.close[1:]
        return {"signal": bars.close - bars.open}


class WritesBarsOnce(Follower):
    """Writes the same however often it is called."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        bars.volume[:] = np.maximum.accumulate(bars.volume[::-1])[::-1]
        return {"signal": bars.volume - 9.9}


KEPT: dict[str, Any] = {}


class Kept(Follower):
    """Computes once, over all it was first shown, and returns a part of that afterwards."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        if "signal" not in KEPT:
            KEPT["signal"] = ahead(bars.close) - bars.close
        return {"signal": KEPT["signal"][: len(bars.close)]}


class KeptInTheClass(Follower):
    seen: ClassVar[dict[str, Any]] = {}

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        if len(bars.close) > len(KeptInTheClass.seen.get("close", ())):
            KeptInTheClass.seen["close"] = bars.close.copy()
        return {"signal": ahead(KeptInTheClass.seen["close"])[: len(bars.close)] - bars.close[0]}


BOUND: Any = None


class Bound(Follower):
    """Binds a name of the module on the first call."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        global BOUND  # noqa: PLW0603 - that is the leak
        if BOUND is None:
            BOUND = ahead(bars.close, 3) - bars.close
        return {"signal": BOUND[: len(bars.close)]}


@cache
def first_seen() -> list[Any]:
    return []


class KeptByCache(Follower):
    """Keeps what it saw in the result of a cached function."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        if not first_seen():
            first_seen().append(ahead(bars.close, 2) - bars.close)
        return {"signal": first_seen()[0][: len(bars.close)]}


NEXT = np.zeros(8000)


class FilledArray(Strategy):
    """Features fill an array of the module, from which on_bar reads the next close."""

    size = Quantity("0.01")

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        NEXT[: len(bars.close)] = ahead(bars.close)
        return {"row": np.arange(len(bars.close))}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if NEXT[x.row] > bar.close and desk.position <= 0:
            desk.target(p.size)
        elif NEXT[x.row] < bar.close and desk.position > 0:
            desk.target(0)
        return state


FIRST_NEXT = np.zeros(8000)


class FilledArrayOnce(Strategy):
    size = Quantity("0.01")

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        if not FIRST_NEXT.any():
            FIRST_NEXT[: len(bars.close)] = ahead(bars.close)
        return {"row": np.arange(len(bars.close))}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if FIRST_NEXT[x.row] > bar.close and desk.position <= 0:
            desk.target(p.size)
        elif FIRST_NEXT[x.row] < bar.close and desk.position > 0:
            desk.target(0)
        return state


OUT = np.zeros(8000, dtype=np.int64)


class ReusedArray(Follower):
    """Returns views of one array, so that a later call rewrites what an earlier one gave."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        view = OUT[: len(bars.close)]
        view[:] = ahead(bars.close) - bars.close
        return {"signal": view}


class FailsOnOtherData(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        if len(bars.close) % 2:
            raise ValueError("an odd number of bars")
        return {"signal": ahead(bars.close, 2) - bars.close}


class Unseeded(Follower):
    """No look into the future, but not the same twice."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": np.random.default_rng().normal(size=len(bars.close))}
