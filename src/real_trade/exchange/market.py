"""The rehearsal market: minutes that look like a market's, the same for the same seed whatever is asked first.

One price path per coin, in chunks of thirty days; spot, linear and inverse instruments follow it with a small,
slowly moving basis. Each chunk draws from random streams of its own (seed, name, chunk), so a longer span begins
with the same bars as a shorter one.

What the path has: trends (a drift that lives for days), volatility in clusters (a slow and a fast wave, the fast
one excited by jumps), a daily season, jumps, spikes (wicks that come back within the minute), and halts: missing
minutes with quiet ones around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from real_trade.exchange.bars import COLUMNS, BarTable, Grid
from real_trade.exchange.listing import UNDERLYINGS, decimals_of, listed
from real_trade.model import FundingRates, Instrument, Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 1_440
FUNDING_MS: Final = 8 * 60 * MINUTE_MS
CHUNK: Final = 30 * DAY_MINUTES
# The market goes on for a while after the wanted span, so that its clock may pass the end: a week and a day.
AFTERMATH_MS: Final = 8 * 24 * 60 * MINUTE_MS

# Waves of volatility and drift move on a grid of this many minutes.
_SLOT: Final = 15
_SIGMA: Final = 0.0005  # volatility of an ordinary minute
_SLOW_KEEP, _SLOW_PUSH = 0.9985, 0.022
_FAST_KEEP, _FAST_PUSH = 0.93, 0.13
_DRIFT_KEEP, _DRIFT_PUSH = 0.995, 0.0000015
_JUMP_ODDS, _JUMP_SIZE = 1 / 4_000, 0.005
_SPIKE_ODDS, _SPIKE_SIZE = 1 / 15_000, 0.012
_PULL: Final = 0.10  # share of the distance to the coin's first price that is undone per chunk
_BASIS_KEEP, _BASIS_PUSH, _BASIS_MEAN = 0.98, 0.00006, 0.00004
# Turnover in dollars has so many decimals at most: a month of it still fits a 64-bit integer.
_MONEY_DECIMALS: Final = 4
# Funding: interest per settlement, and how far it may pull the premium.
_INTEREST, _CLAMP, _CAP = 0.0001, 0.0005, 0.0075


@dataclass(frozen=True, slots=True)
class _Path:
    """One chunk of a coin's price, per minute.

    Attributes:
        first: number of its first minute, counted from the market's start.
        before: logarithm of the price at each minute's open.
        after: logarithm at its close.
        up, down: how far the price went above and below the open, as logarithms; down is negative.
        wick_up, wick_down: the same with spikes.
        activity: turnover as a multiple of the ordinary minute's; 0 in a quiet minute.
        there: false in a minute that the venue never published.
    """

    first: int
    before: Floats
    after: Floats
    up: Floats
    down: Floats
    wick_up: Floats
    wick_down: Floats
    activity: Floats
    there: NDArray[np.bool_]


class SeededMarket:
    """A market source made from a seed.

    Args:
        seed: any whole number from 0 on.
        venue: whose instruments are listed.
        symbols: such as ``("BTCUSDT", "BTCUSD")``.
        start_ms, end_ms: the span, on whole minutes.
    """

    def __init__(self, seed: int, venue: str, symbols: tuple[str, ...], start_ms: int, end_ms: int) -> None:
        self._seed = seed
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._minutes = (end_ms + AFTERMATH_MS - start_ms) // MINUTE_MS
        self._instruments = listed(venue, symbols)

    @property
    def seed(self) -> int:
        """Return the seed."""
        return self._seed

    @property
    def start_ms(self) -> int:
        """Return the opening time of the first minute."""
        return self._start_ms

    @property
    def end_ms(self) -> int:
        """Return the end of the wanted span."""
        return self._end_ms

    def instruments(self) -> list[Instrument]:
        """Return what is listed."""
        return self._instruments

    def bars(self, instrument: Instrument, kind: SeriesKind) -> BarTable:
        """Return the minutes of an instrument's trades, mark price or index price."""
        decimals = instrument.price_decimals
        inverse = instrument.market is Market.INVERSE
        lots = decimals_of(instrument.quantity_step)
        grid = Grid(decimals, lots, 8 if inverse else min(decimals + lots, _MONEY_DECIMALS))
        table = BarTable.zeros(Interval("1m"), grid, self._minutes, narrow=True)
        position, last = 0, 0
        basis = self._basis(instrument)
        for path in self._paths(instrument.base):
            spread = basis[path.first : path.first + len(path.after)]
            rows = _instrument_rows(path, spread, instrument, kind, last, self._noise(instrument, path.first))
            last = int(rows["close"][-1])
            rows["time"] = self._start_ms + (path.first + np.arange(len(path.after), dtype=np.int64)) * MINUTE_MS
            count = int(np.count_nonzero(path.there))
            for name in COLUMNS:
                getattr(table, name)[position : position + count] = rows[name][path.there]
            position += count
        return table.rows(0, position)

    def recording(self, instrument: Instrument) -> None:
        """Return None: what happens inside a bar is left open."""
        del instrument

    def funding(self, instrument: Instrument) -> FundingRates:
        """Return the settlements at 00:00, 08:00 and 16:00 UTC; none on spot."""
        if instrument.market is Market.SPOT:
            return FundingRates(np.empty(0, np.int64), np.empty(0, np.float64))
        premium = self._basis(instrument)
        first = -(-(self._start_ms + 1) // FUNDING_MS) * FUNDING_MS
        times = np.arange(first, self._start_ms + self._minutes * MINUTE_MS + 1, FUNDING_MS, dtype=np.int64)
        total = np.concatenate(([0.0], np.cumsum(premium)))
        stop = (times - self._start_ms) // MINUTE_MS
        begin = np.maximum(0, stop - FUNDING_MS // MINUTE_MS)
        mean = (total[stop] - total[begin]) / np.maximum(1, stop - begin)
        rate = np.clip(mean + np.clip(_INTEREST - mean, -_CLAMP, _CLAMP), -_CAP, _CAP)
        return FundingRates(times, np.round(rate, 8))

    def _random(self, name: str, chunk: int) -> np.random.Generator:
        return np.random.Generator(np.random.SFC64([self._seed, crc32(name.encode()), chunk]))

    def _noise(self, instrument: Instrument, first: int) -> np.random.Generator:
        return self._random(f"{instrument.venue}/{instrument.market}/{instrument.symbol}", first // CHUNK)

    def _basis(self, instrument: Instrument) -> Floats:
        """Return how far the instrument stands above its coin, per minute, as a logarithm."""
        slots = CHUNK // _SLOT
        level, parts = 0.0, []
        for chunk in range(-(-self._minutes // CHUNK)):
            random = self._random(f"basis/{instrument.venue}/{instrument.market}/{instrument.symbol}", chunk)
            knots = _wave(level, _BASIS_KEEP, random.standard_normal(slots) * _BASIS_PUSH)
            parts.append(np.interp(np.arange(CHUNK) / _SLOT, np.arange(slots + 1), np.concatenate(([level], knots))))
            level = float(knots[-1])
        return np.concatenate(parts)[: self._minutes] + (0.0 if instrument.market is Market.SPOT else _BASIS_MEAN)

    def _paths(self, coin: str) -> Iterator[_Path]:
        state = _State(np.log(UNDERLYINGS[coin].price))
        anchor = state.price
        for first in range(0, self._minutes, CHUNK):
            random = self._random(f"path/{coin}", first // CHUNK)
            yield _cut(_chunk(state, anchor, first, self._start_ms, random), self._minutes - first)


@dataclass(slots=True)
class _State:
    """Where a path stands between two chunks; prices as logarithms."""

    price: float
    slow: float = 0.0
    fast: float = 0.0
    drift: float = 0.0


def _wave(level: float, keep: float, pushes: Floats) -> Floats:
    """Return a value that forgets: each is ``keep`` times the one before plus a push."""
    steps = accumulate(pushes.tolist(), lambda value, push: keep * value + push, initial=level)
    next(steps)
    return np.fromiter(steps, dtype=np.float64, count=len(pushes))


def _season(start_ms: int, first: int) -> Floats:
    """Return a chunk's daily rhythm: busy when Europe and America trade, calm at night, quieter at weekends."""
    minute = start_ms // MINUTE_MS + first + np.arange(CHUNK)
    hour = (minute % DAY_MINUTES) / 60.0
    rhythm = 0.75 + 0.45 * np.exp(-(((hour - 14.5) / 3.0) ** 2)) + 0.2 * np.exp(-(((hour - 8.0) / 2.0) ** 2))
    weekend = ((minute // DAY_MINUTES + 3) % 7) >= 5
    return np.where(weekend, rhythm * 0.75, rhythm)


def _chunk(state: _State, anchor: float, first: int, start_ms: int, random: np.random.Generator) -> _Path:
    """Return the next thirty days and move the state to their end."""
    jump = np.where(random.random(CHUNK) < _JUMP_ODDS, random.standard_normal(CHUNK) * _JUMP_SIZE, 0.0)
    excitement = np.abs(jump).reshape(-1, _SLOT).sum(axis=1) * 60.0
    slots = CHUNK // _SLOT
    slow = _wave(state.slow, _SLOW_KEEP, random.standard_normal(slots) * _SLOW_PUSH)
    fast = _wave(state.fast, _FAST_KEEP, random.standard_normal(slots) * _FAST_PUSH + excitement)
    drift = _wave(state.drift, _DRIFT_KEEP, random.standard_normal(slots) * _DRIFT_PUSH)
    state.slow, state.fast, state.drift = float(slow[-1]), float(fast[-1]), float(drift[-1])
    waves = np.repeat(np.exp(np.clip(slow + fast, -2.0, 2.5)), _SLOT)
    season = _season(start_ms, first)
    sigma = _SIGMA * waves * season
    pull = -_PULL * (state.price - anchor) / CHUNK
    step = np.repeat(drift, _SLOT) + pull + sigma * random.standard_normal(CHUNK) + jump
    there, quiet = _halts(first, random)
    step[quiet] = 0.0
    after = state.price + np.cumsum(step)
    before = np.concatenate(([state.price], after[:-1]))
    state.price = float(after[-1])
    reach = np.where(quiet, 0.0, sigma)
    up, down = _extremes(step, reach, random)
    spike = np.where(random.random(CHUNK) < _SPIKE_ODDS, random.exponential(_SPIKE_SIZE, CHUNK), 0.0) * ~quiet
    upward = random.random(CHUNK) < 0.5
    liveliness = np.exp(0.5 * random.standard_normal(CHUNK)) * (0.6 + np.abs(step) / sigma)
    activity = np.where(quiet, 0.0, waves * season * season * liveliness)
    return _Path(first, before, after, up, down, up + spike * upward, down - spike * ~upward, activity, there)


def _extremes(step: Floats, sigma: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the highest and the lowest point of a walk that goes ``step`` in one minute."""
    room = -2.0 * sigma * sigma
    top = np.sqrt(step * step + room * np.log1p(-random.random(len(step))))
    bottom = np.sqrt(step * step + room * np.log1p(-random.random(len(step))))
    return (step + top) / 2.0, (step - bottom) / 2.0


def _halts(first: int, random: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which minutes exist, and in which nobody traded (missing ones and some around them)."""
    there = np.ones(CHUNK, dtype=np.bool_)
    quiet = np.zeros(CHUNK, dtype=np.bool_)
    starts = random.integers(0, CHUNK, random.poisson(0.7)).tolist()
    if first == 0:
        # The first day has one, so that every rehearsal meets a gap.
        starts.append(int(random.integers(9 * 60, 15 * 60)))
    for start in starts:
        length = int(random.integers(5, 90))
        there[start : start + length] = False
        quiet[max(0, start - int(random.integers(1, 4))) : start + length + int(random.integers(1, 4))] = True
    quiet |= random.random(CHUNK) < 1 / 20_000
    return there, quiet


def _cut(path: _Path, minutes: int) -> _Path:
    if minutes >= CHUNK:
        return path
    columns = {name: getattr(path, name)[:minutes] for name in _Path.__slots__ if name != "first"}
    return _Path(path.first, **columns)


def _instrument_rows(
    path: _Path, spread: Floats, instrument: Instrument, kind: SeriesKind, last: int, random: np.random.Generator
) -> dict[str, NDArray[np.integer]]:
    """Turn a coin's path into bars on the instrument's grid; ``last`` is the close before, 0 where there is none."""
    scale = 10.0**instrument.price_decimals
    unit = float(instrument.tick_size) * scale  # whole numbers are decimals, ticks may be several of them

    def on_grid(level: Floats, rounding: np.ufunc) -> NDArray[np.int64]:
        ticks: NDArray[np.int64] = np.maximum(1, rounding(np.exp(level) * (scale / unit))).astype(np.int64)
        return ticks * round(unit)

    shift = {SeriesKind.KLINE: spread, SeriesKind.MARK: spread * 0.8}.get(kind, np.zeros_like(spread))
    traded = kind is SeriesKind.KLINE
    close = on_grid(path.after + shift, np.rint)
    start = last or int(on_grid(path.before[:1] + shift[:1], np.rint)[0])
    quiet = path.activity == 0.0 if traded else np.zeros(len(close), dtype=np.bool_)
    # Where nobody trades the last price stands, although the coin's path moves on.
    spoken = np.maximum.accumulate(np.where(quiet, -1, np.arange(len(close))))
    close = np.where(spoken >= 0, close[spoken], start)
    opening = np.concatenate(([start], close[:-1]))
    up, down = (path.wick_up, path.wick_down) if traded else (path.up * 0.9, path.down * 0.9)
    top, bottom = np.maximum(opening, close), np.minimum(opening, close)
    high = np.where(quiet, top, np.maximum(on_grid(path.before + up + shift, np.floor), top))
    low = np.where(quiet, bottom, np.minimum(on_grid(path.before + down + shift, np.ceil), bottom))
    rows: dict[str, NDArray[np.integer]] = {"open": opening, "high": high, "low": low, "close": close}
    if traded:
        return rows | _volumes(path, rows, instrument, random)
    return rows | {name: np.zeros(len(close), np.int64) for name in ("volume", "turnover", "trades")}


def _volumes(
    path: _Path, rows: dict[str, NDArray[np.integer]], instrument: Instrument, random: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Return volume, turnover and number of trades; all three are zero together."""
    busy = path.activity > 0.0
    share = {Market.SPOT: 0.35, Market.LINEAR: 1.0, Market.INVERSE: 0.2}[instrument.market]
    dollars = path.activity * UNDERLYINGS[instrument.base].turnover * share
    dollars *= np.exp(0.2 * random.standard_normal(len(dollars)))
    four_prices = rows["open"] + rows["high"] + rows["low"] + rows["close"]
    mean = four_prices / (4.0 * 10.0**instrument.price_decimals)
    inverse = instrument.market is Market.INVERSE
    each = float(instrument.contract_value) if inverse else mean * float(instrument.quantity_step)
    lots = np.where(busy, np.maximum(1, np.rint(dollars / each)), 0).astype(np.int64)
    if inverse:
        # Contracts of so many dollars each; turned over are coins, to eight decimals.
        turnover = np.rint(lots * (float(instrument.contract_value) * 1e8) / mean).astype(np.int64)
    else:
        lots *= _whole_step(instrument)
        cut = decimals_of(instrument.quantity_step) + instrument.price_decimals - _MONEY_DECIMALS
        turnover = lots * four_prices // (4 * 10 ** max(0, cut))
    trades = np.where(busy, 1 + (dollars / 2_500.0).astype(np.int64), 0)
    return {"volume": lots, "turnover": turnover, "trades": trades}


def _whole_step(instrument: Instrument) -> int:
    """Return the quantity step in units of its last decimal: 1 for 0.001, 5 for 0.005, 10 for 10."""
    return int(instrument.quantity_step.scaleb(decimals_of(instrument.quantity_step)))
