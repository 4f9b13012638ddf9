"""A recorded market: what the store holds, served as if it happened here."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.exchange.bars import COLUMNS, BarTable, Grid
from real_trade.exchange.listing import decimals_of, split_symbol
from real_trade.exchange.recording import Recording, bars_of_trades, recorded
from real_trade.model import InputError, Instrument, Interval, Klines, Market, SeriesKey, SeriesKind
from real_trade.model.series import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from real_trade.model import FundingRates
    from real_trade.storage.ports import SeriesInfo, TimeSeriesStore

_PRICES: Final = ("open", "high", "low", "close")
# More decimals than any venue writes.
_MOST_DECIMALS: Final = 12
# Whole numbers above this are not all exact as floats.
_EXACT: Final = 2.0**53
# Whole numbers must fit 64 bits with their sign.
_FITS: Final = 2.0**62
_KINDS: Final = {"price": _PRICES, "volume": ("volume",), "turnover": ("turnover",)}
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_PART_MS: Final = 30 * _DAY_MS
# Bars say nothing about single trades; in the first part so many make up a bar on average.
_TRADES_PER_BAR: Final = 100


class StoredMarket:
    """A market source read from a store; bars are served as they were stored.

    Args:
        store: where the series are.
        venue: whose series are served.

    Raises:
        InputError: the store has neither bars nor trades of this venue.
    """

    def __init__(self, store: TimeSeriesStore, venue: str) -> None:
        self._store = store
        self._series: dict[tuple[Market, str, SeriesKind], SeriesInfo] = {}
        self._events: dict[SeriesKey, SeriesInfo] = {}
        for info in store.list_series():
            key = info.key
            if key.venue != venue or not info.rows:
                continue
            if key.kind in EVENTS:
                self._events[key] = info
            elif key.interval is not None:
                name = (key.market, key.symbol, key.kind)
                if name not in self._series or _length(info) < _length(self._series[name]):
                    self._series[name] = info
        # Where there are no bars, those of the trades are the market's.
        for key, info in self._events.items():
            if key.kind is SeriesKind.TRADE:
                self._series.setdefault((key.market, key.symbol, SeriesKind.KLINE), info)
        traded = [info for info in self._series.values() if info.key.kind in {SeriesKind.KLINE, SeriesKind.TRADE}]
        if not traded:
            raise InputError(
                f"The store holds no bars and no trades of {venue}.",
                code="empty_store",
                field="data",
                value=venue,
                fix="Download or import some first, or serve a rehearsal market with --seed.",
            )
        self._start_ms = min(_interval(info).floor(info.first_ms) for info in traded)
        self._end_ms = max(_interval(info).next_open(_interval(info).floor(info.last_ms)) for info in traded)
        self._instruments = [self._instrument(info) for info in traded]

    @property
    def seed(self) -> None:
        """Return None: this market was recorded."""
        return

    @property
    def start_ms(self) -> int:
        """Return the opening time of the first stored bar."""
        return self._start_ms

    @property
    def end_ms(self) -> int:
        """Return the time at which the last stored bar closes."""
        return self._end_ms

    def instruments(self) -> list[Instrument]:
        """Return the instruments that have bars."""
        return self._instruments

    def bars(self, instrument: Instrument, kind: SeriesKind) -> BarTable:
        """Return the shortest stored bars of a series; none where it is not stored."""
        info = self._series.get((instrument.market, instrument.symbol, kind))
        grid = Grid(instrument.price_decimals, decimals_of(instrument.quantity_step), 0)
        if info is None:
            return BarTable.zeros(Interval("1m"), grid, 0)
        rows = info.rows if info.key.kind.is_bars else (info.last_ms - info.first_ms) // _MINUTE_MS + 2
        table, filled, usual = BarTable.zeros(_interval(info), grid, rows), 0, 0.0
        for stored in self._parts(info, instrument):
            # The series may have grown since it was listed.
            part = _completed(stored, instrument).take(slice(0, len(table) - filled))
            if not len(part):
                continue
            usual = usual or float(part.volume.mean()) or 1.0
            table = _fill(table, filled, part)
            table.trades[filled : filled + len(part)] = np.ceil(part.volume * (_TRADES_PER_BAR / usual))
            filled += len(part)
        return _slim(table.rows(0, filled))

    def recording(self, instrument: Instrument) -> Recording | None:
        """Return the stored trades and book of an instrument; None where there are none."""
        trades, book = (recorded(self._events, instrument, kind) for kind in (SeriesKind.TRADE, SeriesKind.BOOK))
        return Recording(self._store, instrument, trades, book) if trades or book else None

    def funding(self, instrument: Instrument) -> FundingRates:
        """Return the stored settlements."""
        key = SeriesKey(instrument.venue, instrument.market, instrument.symbol, None, SeriesKind.FUNDING)
        return self._store.read_funding(key)

    def _parts(self, info: SeriesInfo, instrument: Instrument) -> Iterator[Klines]:
        if not info.key.kind.is_bars:
            yield from bars_of_trades(self._store, info, instrument)
            return
        for from_ms in range(info.first_ms, info.last_ms + 1, _PART_MS):
            yield self._store.read_klines(info.key, from_ms, min(from_ms + _PART_MS, info.last_ms + 1))

    def _instrument(self, info: SeriesInfo) -> Instrument:
        key = info.key
        known = self._store.read_instrument(key.venue, key.market, key.symbol)
        if known is not None:
            return known
        if key.kind.is_bars:
            sample = self._store.read_klines(key, info.first_ms, info.first_ms + _PART_MS)
        else:
            trades = self._store.read_trades(key, info.first_ms, info.first_ms + _DAY_MS)
            price = trades.price
            sample = Klines.of(trades.timestamp, price, price, price, price, trades.size)
        base, quote = split_symbol(key.symbol)
        inverse = key.market is Market.INVERSE
        step = Decimal(1).scaleb(-_decimals(np.nan_to_num(sample.volume), 0))
        return Instrument(
            key.venue,
            key.symbol,
            key.market,
            base,
            quote,
            base if inverse else quote,
            tick_size=Decimal(1).scaleb(-max(_decimals(getattr(sample, name), 0) for name in _PRICES)),
            quantity_step=step,
            min_quantity=step,
            funding_interval_minutes=0 if key.market is Market.SPOT else 480,
            inferred=True,
        )


def _interval(info: SeriesInfo) -> Interval:
    """Return the length of a series' bars; trades are made into minutes."""
    return info.key.interval or Interval("1m")


def _length(info: SeriesInfo) -> int:
    interval = _interval(info)
    return 32 * 86_400_000 if interval.is_month else interval.length_ms


def _completed(part: Klines, instrument: Instrument) -> Klines:
    """Put an estimate where the source had no volume or turnover."""
    volume = np.nan_to_num(part.volume)
    mean = (part.open + part.high + part.low + part.close) / 4.0
    value = float(instrument.contract_value)
    estimate = volume * value / mean if instrument.market is Market.INVERSE else volume * value * mean
    turnover = np.where(np.isnan(part.turnover), np.round(estimate, 4), part.turnover)
    return replace(part, volume=volume, turnover=turnover)


def _fill(table: BarTable, first: int, part: Klines) -> BarTable:
    """Write a part into the table from a row on, with more decimals where it needs them."""
    rows = slice(first, first + len(part))
    table.time[rows] = part.timestamp
    decimals = {
        kind: max(_decimals(getattr(part, name), getattr(table.grid, kind)) for name in names)
        for kind, names in _KINDS.items()
    }
    for kind, names in _KINDS.items():
        before = getattr(table.grid, kind)
        largest = max(float(np.max(getattr(table, name)[:first], initial=0)) for name in names)
        while decimals[kind] > before and largest * 10.0 ** (decimals[kind] - before) >= _FITS:
            decimals[kind] -= 1
        for name in names:
            column = getattr(table, name)
            column[:first] *= 10 ** (decimals[kind] - before)
            column[rows] = np.rint(getattr(part, name) * 10.0 ** decimals[kind])
    return replace(table, grid=Grid(**decimals))


def _slim(table: BarTable) -> BarTable:
    """Keep prices and trades in 32 bits where they fit."""
    most = np.iinfo(np.int32).max
    slim = {
        name: getattr(table, name).astype(np.int32)
        for name in (*_PRICES, "trades")
        if int(getattr(table, name).max(initial=0)) <= most
    }
    return table.with_columns({name: getattr(table, name) for name in COLUMNS} | slim)


def _decimals(values: NDArray[np.float64], least: int) -> int:
    """Return how many decimals spell all values so that reading them gives the same floats again.

    Where none do (sums that carry rounding noise), as many as whole numbers of 53 bits allow.
    """
    largest = float(np.max(np.abs(values), initial=0.0))
    for decimals in range(least, _MOST_DECIMALS + 1):
        scale = 10.0**decimals
        if largest * scale >= _EXACT:
            return max(least, decimals - 1)
        if np.array_equal(np.rint(values * scale) / scale, values):
            return decimals
    return _MOST_DECIMALS
