"""The rehearsal market: the same for the same seed, and like a market."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.exchange.bars import COLUMNS, BarTable
from real_trade.exchange.listing import decimals_of
from real_trade.exchange.market import AFTERMATH_MS, MINUTE_MS, SeededMarket
from real_trade.model import InputError, Market, SeriesKind, parse_time

FROM = parse_time("2024-01-01")
DAY = 86_400_000
SYMBOLS = ("BTCUSDT", "XRPUSDT", "BTCUSD")


def market_of(seed: int = 7, days: int = 45, venue: str = "bybit") -> SeededMarket:
    return SeededMarket(seed, venue, SYMBOLS, FROM, FROM + days * DAY)


def same(left: BarTable, right: BarTable) -> bool:
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in COLUMNS)


def test_the_same_seed_gives_the_same_market_whatever_is_asked_first() -> None:
    one, other = market_of(), market_of()
    forwards = {str(i.market) + i.symbol + k: one.bars(i, k) for i in one.instruments() for k in SeriesKind}
    for instrument in reversed(other.instruments()):
        for kind in reversed(SeriesKind):
            assert same(other.bars(instrument, kind), forwards[str(instrument.market) + instrument.symbol + kind])


def test_another_seed_gives_another_market() -> None:
    first = market_of(1).instruments()[0]
    assert not same(market_of(1).bars(first, SeriesKind.KLINE), market_of(2).bars(first, SeriesKind.KLINE))


def test_a_longer_span_begins_like_a_shorter_one() -> None:
    short, long = market_of(days=20), market_of(days=70)
    for instrument in short.instruments():
        bars = short.bars(instrument, SeriesKind.KLINE)
        assert same(bars, long.bars(instrument, SeriesKind.KLINE).rows(0, len(bars)))
        rates = short.funding(instrument).rate
        assert np.array_equal(rates, long.funding(instrument).rate[: len(rates)])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["bybit", "binance"]), st.integers(1, 33))
def test_every_bar_is_possible(seed: int, venue: str, days: int) -> None:
    market = market_of(seed, days, venue)
    for instrument in market.instruments():
        for kind in (SeriesKind.KLINE, SeriesKind.MARK, SeriesKind.INDEX):
            bars = market.bars(instrument, kind)
            assert bars.low.min() > 0
            assert (bars.high >= np.maximum(bars.open, bars.close)).all()
            assert (bars.low <= np.minimum(bars.open, bars.close)).all()
            assert (np.diff(bars.time) % MINUTE_MS == 0).all()
            assert (np.diff(bars.time) > 0).all()
            unit = int(instrument.tick_size.scaleb(decimals_of(instrument.tick_size)))
            assert not (bars.close % unit).any()
            assert bars.time[-1] == FROM + days * DAY + AFTERMATH_MS - MINUTE_MS
        traded = market.bars(instrument, SeriesKind.KLINE)
        quiet = traded.volume == 0
        assert np.array_equal(quiet, traded.trades == 0)
        assert (traded.high == traded.low)[quiet].all()
        assert (traded.turnover[~quiet] > 0).all()


def test_it_has_gaps_quiet_minutes_clusters_and_jumps() -> None:
    bars = market_of(days=60).bars(market_of().instruments()[1], SeriesKind.KLINE)
    holes = np.flatnonzero(np.diff(bars.time) > MINUTE_MS)
    assert len(holes) >= 1
    assert bars.time[holes[0]] < FROM + DAY  # one of them on the first day, for every rehearsal
    assert bars.volume[holes].tolist() == [0] * len(holes)  # quiet before it stops
    change = np.diff(np.log(bars.close.astype(float)))
    size = np.abs(change)
    assert 0.0002 < change.std() < 0.002
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.15  # clusters
    assert ((change - change.mean()) ** 4).mean() / change.var() ** 2 > 5  # fat tails
    assert np.abs(np.corrcoef(change[1:], change[:-1])[0, 1]) < 0.1  # but no free lunch
    hour = bars.time // 3_600_000 % 24
    assert bars.volume[hour == 14].mean() > 1.5 * bars.volume[hour == 2].mean()  # a daily season


def test_spot_linear_inverse_mark_and_index_tell_of_the_same_coin() -> None:
    market = market_of()
    spot, linear, inverse = (
        next(i for i in market.instruments() if i.base == "BTC" and i.market is kind) for kind in Market
    )
    tables = [market.bars(spot, SeriesKind.KLINE), market.bars(inverse, SeriesKind.KLINE)]
    tables += [market.bars(linear, kind) for kind in (SeriesKind.KLINE, SeriesKind.MARK, SeriesKind.INDEX)]
    closes = [table.close / 10.0**table.grid.price for table in tables]
    for close in closes[1:]:
        ratio = close / closes[0]
        assert np.abs(ratio - 1).max() < 0.02
        assert np.median(np.abs(ratio - 1)) < 0.001


def test_turnover_fits_volume_and_price() -> None:
    market = market_of()
    for instrument in market.instruments():
        bars = market.bars(instrument, SeriesKind.KLINE)
        busy = bars.volume > 0
        volume = (bars.volume / 10.0**bars.grid.volume)[busy]
        turnover = (bars.turnover / 10.0**bars.grid.turnover)[busy]
        mean = volume / turnover if instrument.market is Market.INVERSE else turnover / volume
        low, high = (getattr(bars, name)[busy] / 10.0**bars.grid.price for name in ("low", "high"))
        ample = volume * (1 if instrument.market is Market.INVERSE else mean) > 100  # else rounding shows
        assert (mean >= low * 0.9999)[ample].all()
        assert (mean <= high * 1.0001)[ample].all()


def test_funding_every_eight_hours_near_the_interest_rate() -> None:
    market = market_of()
    for instrument in market.instruments():
        rates = market.funding(instrument)
        if instrument.market is Market.SPOT:
            assert len(rates) == 0
            continue
        assert (rates.timestamp % (8 * 3_600_000) == 0).all()
        assert (np.diff(rates.timestamp) == 8 * 3_600_000).all()
        assert np.abs(rates.rate).max() <= 0.0075
        assert np.isclose(np.median(rates.rate), 0.0001, atol=5e-5)


def test_unknown_coin_and_quote_are_refused() -> None:
    for symbol in ("NOPEUSDT", "BTCEUR"):
        with pytest.raises(InputError, match=r"Use one of|End it with"):
            SeededMarket(1, "bybit", (symbol,), FROM, FROM + DAY)


def test_a_million_minutes_come_quickly() -> None:
    market = SeededMarket(7, "bybit", ("BTCUSDT",), FROM, FROM + 1_400_000 * MINUTE_MS)
    began = time.process_time()
    bars = market.bars(market.instruments()[1], SeriesKind.KLINE)
    assert len(bars) > 1_390_000
    assert time.process_time() - began < 3.0
