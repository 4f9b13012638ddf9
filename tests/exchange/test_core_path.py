"""The inside of a bar: trades that give back the bar, the same for the same seed."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from real_trade.exchange.core.path import ORDINARY, Candle, prints_of


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    low = draw(st.integers(1, 10**7))
    high = low + draw(st.integers(0, 50_000))
    opened, closed = draw(st.integers(low, high)), draw(st.integers(low, high))
    return Candle(draw(st.integers(0, 10**12)) * 60_000, opened, high, low, closed, draw(st.integers(4, 10**12)))


@given(candles(), st.integers(0, 2**31))
def test_the_trades_give_the_bar_back(candle: Candle, seed: int) -> None:
    prints = prints_of(candle, seed, "BTCUSDT")
    prices = [each.ticks for each in prints]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (candle.open, candle.high, candle.low, candle.close)
    assert sum(each.lots for each in prints) == candle.lots
    assert all(each.lots >= 1 and each.sign in (1, -1) for each in prints)
    moments = [each.offset_ms for each in prints]
    assert moments == sorted(moments)
    assert 0 <= moments[0] <= moments[-1] < 60_000
    assert len(prints) <= max(4, ORDINARY)


@given(candles(), st.integers(1, 3))
def test_a_volume_of_few_lots_is_not_exceeded(candle: Candle, lots: int) -> None:
    prints = prints_of(candle._replace(lots=lots), 1, "BTCUSDT")
    assert sum(each.lots for each in prints) == lots
    assert prints[-1].ticks == candle.close


def test_nothing_traded_is_nothing() -> None:
    assert prints_of(Candle(0, 5, 5, 5, 5, 0), 1, "BTCUSDT") == []


def test_the_same_seed_gives_the_same_trades_in_any_process() -> None:
    program = (
        "from real_trade.exchange.core.path import Candle, prints_of\n"
        "print(prints_of(Candle(60_000, 100, 140, 80, 120, 999), 7, 'BTCUSDT'))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": number}, capture_output=True, text=True, check=True
        ).stdout
        for number in ("1", "2")
    }
    assert len(outputs) == 1
    assert prints_of(Candle(60_000, 100, 140, 80, 120, 999), 8, "BTCUSDT") != prints_of(
        Candle(60_000, 100, 140, 80, 120, 999), 7, "BTCUSDT"
    )
