"""Where instrument facts come from, in what order, and when they give way to the prices."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from series_for_checks import NAMES, sound_series

from real_trade.data.instruments import infer_tick, major_symbols, off_grid, resolve_instrument
from real_trade.model import InputError, Klines, Market
from real_trade.storage import ParquetStore

if TYPE_CHECKING:
    from pathlib import Path


def scaled(klines: Klines, factor: float, decimals: int) -> Klines:
    prices = [np.round(getattr(klines, name) * factor, decimals) for name in NAMES[1:5]]
    return Klines.of(klines.timestamp, *prices, klines.volume)


def test_the_table_knows_the_majors_of_every_market() -> None:
    for venue in ("binance", "bybit"):
        for market, least in ((Market.SPOT, 20), (Market.LINEAR, 20), (Market.INVERSE, 4)):
            symbols = major_symbols(venue, market)
            assert len(symbols) >= least
            for symbol in symbols:
                instrument, source = resolve_instrument(venue, market, symbol)
                assert source == "table"
                assert instrument.min_quantity >= instrument.quantity_step
                assert (instrument.funding_interval_minutes == 0) is (market is Market.SPOT)
                assert instrument.settle == (instrument.base if market is Market.INVERSE else "USDT")


def test_facts_of_the_best_known_one() -> None:
    instrument, _ = resolve_instrument("binance", Market.SPOT, "BTCUSDT")
    assert (instrument.tick_size, instrument.quantity_step) == (Decimal("0.01"), Decimal("0.00001"))
    inverse, _ = resolve_instrument("binance", Market.INVERSE, "BTCUSD_PERP")
    assert (inverse.contract_value, inverse.settle) == (Decimal(100), "BTC")


def test_the_file_comes_first_then_the_store_then_the_table(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path / "store")
    table, _ = resolve_instrument("bybit", Market.LINEAR, "BTCUSDT", store=store)
    path = tmp_path / "facts.json"
    path.write_text('{"tick_size": "0.5", "quantity_step": 0.001, "taker_fee": "0.0007", "symbol": "BTCUSDT"}')
    from_file, source = resolve_instrument("bybit", Market.LINEAR, "BTCUSDT", store=store, file=path)
    assert (source, from_file.tick_size, from_file.quantity_step) == ("file", Decimal("0.5"), Decimal("0.001"))
    assert from_file.taker_fee == Decimal("0.0007")
    store.write_instruments([from_file])
    assert resolve_instrument("bybit", Market.LINEAR, "BTCUSDT", store=store) == (from_file, "store")
    assert from_file != table


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("not json", "file"),
        ("[1]", "file"),
        ('{"tick_size": "0.1"}', "quantity_step"),
        ('{"tick_size": "x", "quantity_step": "1"}', "tick_size"),
        ('{"tick_size": "0", "quantity_step": "1"}', "tick_size"),
        ('{"tick_size": "0.1", "quantity_step": "1", "tick": "1"}', "tick"),
        ('{"tick_size": "0.1", "quantity_step": "1", "symbol": "ETHUSDT"}', "symbol"),
        ('{"tick_size": "0.1", "quantity_step": "1", "taker_fee": "-0.1"}', "taker_fee"),
    ],
)
def test_a_bad_file_is_refused_with_its_field(content: str, field: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        resolve_instrument("bybit", Market.LINEAR, "BTCUSDT", file=path)
    assert caught.value.field == field


def test_an_unknown_symbol_gets_near_names() -> None:
    with pytest.raises(InputError, match="BTCUSDT") as caught:
        resolve_instrument("bybit", Market.LINEAR, "BTCUST")
    assert caught.value.code == "unknown_symbol"


def test_an_unknown_symbol_with_bars_is_guessed_and_says_so() -> None:
    instrument, source = resolve_instrument("bybit", Market.LINEAR, "FOOUSDT", klines=sound_series())
    assert (source, instrument.inferred) == ("inferred", True)
    assert (instrument.tick_size, instrument.quantity_step) == (Decimal("0.01"), Decimal("0.00001"))
    assert (instrument.base, instrument.quote, instrument.taker_fee) == ("FOO", "USDT", Decimal("0.00055"))


def test_the_tables_grid_gives_way_to_a_series_on_another_one() -> None:
    fine = sound_series()
    assert off_grid(fine, Decimal("0.1"))
    instrument, source = resolve_instrument("bybit", Market.LINEAR, "BTCUSDT", klines=fine)
    assert (source, instrument.inferred, instrument.tick_size) == ("inferred", True, Decimal("0.01"))
    assert instrument.taker_fee == Decimal("0.00055")
    coarse = scaled(fine, 1, 1)
    assert resolve_instrument("bybit", Market.LINEAR, "BTCUSDT", klines=coarse)[1] == "table"


def test_a_guessed_grid_in_the_store_gives_way_too(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    guessed, _ = resolve_instrument("bybit", Market.LINEAR, "FOOUSDT", klines=scaled(sound_series(), 1, 1))
    store.write_instruments([guessed])
    finer, source = resolve_instrument("bybit", Market.LINEAR, "FOOUSDT", store=store, klines=sound_series())
    assert (guessed.tick_size, finer.tick_size, source) == (Decimal("0.1"), Decimal("0.01"), "inferred")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 500), st.sampled_from(["0.00000001", "0.00005", "0.001", "0.02", "0.05", "0.1", "0.5", "1", "5"]))
def test_the_tick_is_the_largest_that_holds_every_price(seed: int, tick: str) -> None:
    steps = np.rint(sound_series(400, seed=seed).close * 100).astype(np.int64)
    prices = np.array([float(Decimal(tick) * int(step)) for step in steps])
    klines = Klines.of(np.arange(400), prices, prices, prices, prices, np.ones(400))
    found = infer_tick(klines)
    assert found == Decimal(tick)
    assert not off_grid(klines, found)


def test_the_committed_table_is_sorted_facts_only() -> None:
    from real_trade.data import instruments

    content = json.loads(instruments._TABLE.read_text(encoding="utf-8"))
    assert content["version"] == 1
    for block in content["markets"]:
        symbols = [row[0] for row in block["rows"]]
        assert len(symbols) == len(set(symbols))
