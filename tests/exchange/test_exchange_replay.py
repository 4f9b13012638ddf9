"""A stored market is served as it was stored."""

from __future__ import annotations

import json
import urllib.request
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.exchange.replay import StoredMarket
from real_trade.model import (
    FundingRates,
    InputError,
    Instrument,
    Interval,
    Klines,
    Market,
    SeriesKey,
    SeriesKind,
    parse_time,
)
from real_trade.storage.parquet import ParquetStore
from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from pathlib import Path

FROM = parse_time("2024-01-25")
MINUTE = 60_000
RANDOM = np.random.default_rng(3)


def key_of(
    venue: str, market: Market, symbol: str, name: str | None = "1m", kind: SeriesKind = SeriesKind.KLINE
) -> SeriesKey:
    return SeriesKey(venue, market, symbol, None if name is None else Interval(name), kind)


def klines_of(rows: int, step: int = MINUTE, hole: tuple[int, int] = (0, 0)) -> Klines:
    time = FROM + step * np.arange(rows, dtype=np.int64)
    close = np.round(40_000 + RANDOM.standard_normal(rows).cumsum(), 1)
    opening = np.round(close + RANDOM.standard_normal(rows), 1)
    high, low = np.maximum(opening, close) + 1.5, np.minimum(opening, close) - 0.3
    volume = np.round(RANDOM.exponential(3.0, rows), 3)
    bars = Klines.of(time, opening, np.round(high, 1), np.round(low, 1), close, volume, np.round(volume * close, 4))
    keep = np.ones(rows, dtype=np.bool_)
    keep[hole[0] : hole[1]] = False
    return bars.take(keep)


def instrument_of(venue: str, symbol: str, market: Market) -> Instrument:
    step, tick = Decimal("0.001"), Decimal("0.1")
    return Instrument(venue, symbol, market, "BTC", "USDT", "USDT", tick, step, step, funding_interval_minutes=480)


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def test_bybit_serves_every_stored_bar_exactly(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "store")
    stored = klines_of(20_000, hole=(5_000, 5_080))
    store.write_klines(key_of("bybit", Market.LINEAR, "BTCUSDT"), stored)
    store.write_instruments([instrument_of("bybit", "BTCUSDT", Market.LINEAR)])
    times = FROM + 28_800_000 * np.arange(1, 30, dtype=np.int64)
    rates = FundingRates(times, np.round(RANDOM.standard_normal(29) * 1e-4, 8))
    store.write_funding(key_of("bybit", Market.LINEAR, "BTCUSDT", None, SeriesKind.FUNDING), rates)
    with running_exchange("bybit", data=tmp_path / "store", rate_limits="off") as exchange:
        assert exchange.info["seed"] is None
        assert exchange.info["from_ms"] == FROM
        last_close = FROM + 20_000 * MINUTE
        assert exchange.info["market_time_ms"] in range(last_close, last_close + 10_000)
        root = f"{exchange.rest}/v5/market"
        rows: list[list[str]] = []
        end = last_close
        while page := read(f"{root}/kline?category=linear&symbol=BTCUSDT&interval=1&limit=1000&end={end}")["result"][
            "list"
        ]:
            rows += page
            end = int(page[-1][0]) - 1
        columns = np.array(rows, dtype=np.float64)[::-1].T
        for column, name in zip(
            columns, ("timestamp", "open", "high", "low", "close", "volume", "turnover"), strict=True
        ):
            assert np.array_equal(column, getattr(stored, name)), name
        funding = read(f"{root}/funding/history?category=linear&symbol=BTCUSDT&limit=200")["result"]["list"]
        assert [(int(r["fundingRateTimestamp"]), float(r["fundingRate"])) for r in reversed(funding)] == [
            (time, rate) for time, rate in zip(times.tolist(), rates.rate.tolist(), strict=True) if time <= last_close
        ]
        facts = read(f"{root}/instruments-info?category=linear")["result"]["list"]
        assert (facts[0]["priceFilter"]["tickSize"], facts[0]["lotSizeFilter"]["qtyStep"]) == ("0.1", "0.001")
        # What is not stored is not invented.
        assert read(f"{root}/mark-price-kline?category=linear&symbol=BTCUSDT&interval=1")["result"]["list"] == []
        hour = read(f"{root}/kline?category=linear&symbol=BTCUSDT&interval=60&start={FROM}&limit=1")["result"]["list"][
            0
        ]
        assert float(hour[2]) == stored.high[:60].max()
        assert float(hour[5]) == pytest.approx(stored.volume[:60].sum())


def test_binance_serves_stored_hours_and_nothing_shorter(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "store")
    stored = klines_of(500, 60 * MINUTE)
    store.write_klines(key_of("binance", Market.SPOT, "BTCUSDT", "1h"), stored)
    with running_exchange("binance", data=tmp_path / "store") as exchange:
        root = f"{exchange.rest}/api/v3"
        rows = read(f"{root}/klines?symbol=BTCUSDT&interval=1h&limit=1000&startTime={FROM}")
        assert [row[0] for row in rows] == stored.timestamp.tolist()
        assert [float(row[4]) for row in rows] == stored.close.tolist()
        assert [float(row[5]) for row in rows] == stored.volume.tolist()
        assert len(read(f"{root}/klines?symbol=BTCUSDT&interval=1d&startTime={FROM}")) == 21
        assert read(f"{root}/klines?symbol=BTCUSDT&interval=1m") == []
        # Nobody told the grid: it was read off the prices.
        filters = read(f"{root}/exchangeInfo")["symbols"][0]["filters"]
        assert filters[0]["tickSize"] == "0.10000000"


def test_a_store_without_the_venue_is_refused(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.write_klines(key_of("binance", Market.SPOT, "BTCUSDT"), klines_of(10))
    with pytest.raises(InputError, match="bybit"):
        StoredMarket(store, "bybit")


class MemoryStore:
    """A store of one series, enough for what replay reads."""

    def __init__(self, key: SeriesKey, klines: Klines) -> None:
        self._key, self._klines = key, klines

    def list_series(self) -> list[Any]:
        from real_trade.storage.ports import SeriesInfo

        time = self._klines.timestamp
        return [SeriesInfo(self._key, len(time), int(time[0]), int(time[-1]))]

    def read_klines(self, _key: SeriesKey, from_ms: int, to_ms: int) -> Klines:
        return self._klines.between(from_ms, to_ms)

    def read_instrument(self, *_name: object) -> None:
        return None

    def read_funding(self, _key: SeriesKey) -> FundingRates:
        return FundingRates(np.empty(0, np.int64), np.empty(0))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 10**6), st.integers(0, 10**7)), min_size=1, max_size=40),
    st.sampled_from([MINUTE, 25 * 1_440 * MINUTE]),
)
def test_any_decimals_come_back_as_the_same_floats(numbers: list[tuple[int, int, int]], step: int) -> None:
    prices = np.array([price / 10**places for places, price, _ in numbers])
    volumes = np.array([volume / 10**places for places, _, volume in numbers])
    time = FROM + step * np.arange(len(numbers))
    klines = Klines.of(time, prices, prices, prices, prices, volumes)
    market = StoredMarket(MemoryStore(key_of("bybit", Market.SPOT, "BTCUSDT"), klines), "bybit")  # type: ignore[arg-type]
    bars = market.bars(market.instruments()[0], SeriesKind.KLINE)
    assert np.array_equal(bars.close / 10.0**bars.grid.price, prices)
    assert np.array_equal(bars.volume / 10.0**bars.grid.volume, volumes)
    assert np.array_equal(bars.time, time)


@pytest.mark.shared
def test_the_real_minutes_come_back_as_the_same_floats(real_data: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(real_data / "klines" / "binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet")
    stored = Klines.of(*(table[name].to_numpy() for name in ("timestamp", "open", "high", "low", "close", "volume")))
    key = key_of("binance", Market.SPOT, "BTCUSDT")
    market = StoredMarket(MemoryStore(key, stored), "binance")  # type: ignore[arg-type]
    bars = market.bars(market.instruments()[0], SeriesKind.KLINE)
    assert len(bars) == 1_402_480
    assert np.array_equal(bars.time, stored.timestamp)
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(bars, name) / 10.0**bars.grid.price, getattr(stored, name))
    assert np.array_equal(bars.volume / 10.0**bars.grid.volume, stored.volume)


@pytest.mark.shared
def test_a_real_month_is_traded_as_it_was(real_data: Path) -> None:
    import pyarrow.parquet as pq

    from real_trade.exchange.core.path import prints_of
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import World, candle_of, row_of

    table = pq.read_table(real_data / "klines" / "binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet")
    stored = Klines.of(*(table[name].to_numpy() for name in ("timestamp", "open", "high", "low", "close", "volume")))
    month = stored.between(parse_time("2024-03-01"), parse_time("2024-04-01"))
    market = StoredMarket(MemoryStore(key_of("binance", Market.SPOT, "BTCUSDT"), month), "binance")  # type: ignore[arg-type]
    history = History(market, newest_first=False)
    world = World(market, history, market.start_ms)
    world.wake()
    (listing,) = world.listings.values()
    bars = history.table(listing.instrument, SeriesKind.KLINE)
    assert len(bars) == 31 * 1_440
    for row in range(len(bars)):
        candle = candle_of(listing, row)
        prints = prints_of(candle, 0, listing.name)
        prices = [trade.ticks for trade in prints]
        four = (prices[0], max(prices), min(prices), prices[-1])
        assert four == (candle.open, candle.high, candle.low, candle.close)
        assert sum(trade.lots for trade in prints) == candle.lots
        made = (candle.open, candle.high, candle.low, candle.close, candle.lots)
        there = tuple(int(getattr(bars, name)[row]) for name in ("open", "high", "low", "close", "volume"))
        assert made == there
    closed = []
    world.listen(lambda events: closed.extend(event for event in events if hasattr(event, "candle")))
    world.advance(market.start_ms + 6 * 3_600_000)
    for row, event in enumerate(closed):
        made_row = row_of(listing, event.candle)
        names = ("open", "high", "low", "close", "volume")
        assert [made_row[name] for name in names] == [int(getattr(bars, name)[row]) for name in names]
    assert len(closed) == 360
