"""What a run took of the volume: all fills of a bar together, and nothing hidden."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import AccountSettings, backtest
from real_trade.backtest.plan import Feed
from real_trade.backtest.result import FILL_DTYPE
from real_trade.backtest.trust.statistics import statistics_sections
from real_trade.metrics.capacity import capacity_section
from real_trade.model.bars import bars_from_klines
from real_trade.strategies.sma_cross import SmaCross

MIDNIGHT = 1_704_067_200_000
TIMES = MIDNIGHT + 60_000 * np.arange(200)


def fills_of(*pairs: tuple[int, int]) -> np.ndarray:
    rows = np.zeros(len(pairs), FILL_DTYPE)
    rows["bar"], rows["lots"] = zip(*pairs, strict=True)
    return rows


def test_fills_of_one_bar_count_together() -> None:
    volume = np.full(200, 10.0)
    section = capacity_section(fills_of((3, 100), (3, 100), (7, 50)), TIMES, volume, 0.01)
    assert section["max_share"] == pytest.approx(0.2)
    assert section["median_share"] == pytest.approx(0.125)
    assert section["worst"] == [
        {"time": "2024-01-01T00:03:00Z", "share": pytest.approx(0.2)},
        {"time": "2024-01-01T00:07:00Z", "share": pytest.approx(0.05)},
    ]
    assert section["bars_without_volume"] == 0


def test_percentiles_and_the_five_worst() -> None:
    section = capacity_section(fills_of(*((bar, bar) for bar in range(1, 102))), TIMES, np.full(200, 1000.0), 1.0)
    assert (section["median_share"], section["p95_share"], section["max_share"]) == pytest.approx((0.051, 0.096, 0.101))
    assert [row["share"] for row in section["worst"]] == pytest.approx([0.101, 0.1, 0.099, 0.098, 0.097])


def test_bars_without_volume_are_counted_apart() -> None:
    volume = np.full(200, 4.0)
    volume[2], volume[3] = 0.0, np.nan
    section = capacity_section(fills_of((1, 1), (2, 1), (3, 1), (3, 1)), TIMES, volume, 1.0)
    assert (section["max_share"], section["bars_without_volume"]) == (0.25, 2)
    none = capacity_section(fills_of((2, 1)), TIMES, volume, 1.0)
    assert (none["max_share"], none["median_share"], none["worst"]) == (None, None, [])
    json.dumps([section, none], allow_nan=False)


@pytest.mark.parametrize(
    ("market", "contract", "units"),
    [("spot", "1", 0.00001), ("linear", "10", 0.0001), ("inverse", "100", 1.0), ("inverse", "1", 1.0)],
)
def test_the_unit_is_that_of_the_volume(market: str, contract: str, units: float) -> None:
    """In base; on inverse markets in contracts, be they of 100 USD (Binance) or of one (Bybit)."""
    klines = random_klines(5, 3000, 0.1)
    inverse = market == "inverse"
    instrument = instrument_of(market, "0.1", "1" if inverse else "0.00001", contract_value=Decimal(contract))
    params = {"fast": 10, "slow": 40, "size": "1" if inverse else "0.01"}
    share = AccountSettings(volume_share=Decimal("0.1"), leverage=1 if market == "spot" else 50)
    result = backtest(SmaCross, klines, instrument, params=params, runner="python")
    fills = result.fill_rows
    shares = fills["lots"] * units / klines.volume[fills["bar"]]
    assert len(shares) > 20
    feed = Feed(bars_from_klines(klines, instrument))
    assert statistics_sections(result, feed)["capacity"]["max_share"] == pytest.approx(shares.max())
    # The account counts in the same unit: a tenth of a bar's volume is a tenth of it in this section.
    bounded = backtest(SmaCross, klines, instrument, params=params, runner="python", settings=share)
    taken = statistics_sections(bounded, feed).get("capacity", {"max_share": 0.0})["max_share"]
    assert taken <= 0.1 + 1e-9
    assert taken > 0.0 or inverse, "a tenth of so little is less than one contract"
