"""Download from the Binance history server: spot, USD-M and COIN-M."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from download_helpers import BEGIN, binance_rows, fetch, key_of, stored_rows

from real_trade.model import InputError
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from pathlib import Path

END = "2024-01-08"
ROOTS = {"spot": "/api/v3", "linear": "/fapi/v1", "inverse": "/dapi/v1"}
SYMBOLS = {"spot": "BTCUSDT", "linear": "BTCUSDT", "inverse": "BTCUSD_PERP"}


@pytest.fixture(scope="module")
def venue() -> Any:
    with running_exchange("binance", seed=11, from_=BEGIN, to=END, speed=0) as exchange:
        yield exchange


@pytest.mark.parametrize("market", ROOTS)
def test_what_is_stored_is_what_the_venue_has(venue: RunningExchange, tmp_path: Path, market: str) -> None:
    symbol = SYMBOLS[market]
    key = key_of("binance", market, symbol)
    store, report = fetch(venue.rest, tmp_path, key, begin="2023-12-01", end=END)
    rows = stored_rows(store.read_klines(key))
    assert rows == binance_rows(f"{venue.rest}{ROOTS[market]}/klines", BEGIN, END, symbol=symbol)
    assert report.inserted == len(rows) > 9_000
    assert store.read_instrument("binance", key.market, symbol).tick_size > 0


@pytest.mark.parametrize("market", ["linear", "inverse"])
@pytest.mark.parametrize(("kind", "path"), [("mark", "markPriceKlines"), ("index", "indexPriceKlines")])
def test_mark_and_index_bars(venue: RunningExchange, tmp_path: Path, market: str, kind: str, path: str) -> None:
    symbol = SYMBOLS[market]
    key = key_of("binance", market, symbol, kind=kind)
    store, _ = fetch(venue.rest, tmp_path, key, end="2024-01-02")
    name = {"symbol": symbol} if kind == "mark" else {"pair": symbol.removesuffix("_PERP")}
    truth = binance_rows(f"{venue.rest}{ROOTS[market]}/{path}", BEGIN, "2024-01-02", **name)
    assert [row[:5] for row in stored_rows(store.read_klines(key))] == [row[:5] for row in truth]
    assert truth


@pytest.mark.parametrize("market", ["linear", "inverse"])
def test_funding(venue: RunningExchange, tmp_path: Path, market: str) -> None:
    key = key_of("binance", market, SYMBOLS[market], kind="funding")
    store, report = fetch(venue.rest, tmp_path, key, end=END)
    rates = store.read_funding(key)
    assert len(rates) == report.inserted == 7 * 3 - 1
    assert (abs(rates.rate) < 0.01).all()


def test_the_weight_limit_is_kept(venue: RunningExchange) -> None:
    assert {line["status"] for line in venue.log} <= {200, 400}


def test_an_unknown_symbol_is_named_with_its_neighbours(venue: RunningExchange, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fetch(venue.rest, tmp_path, key_of("binance", "spot", "BTCUSTD"), end=END)
    assert caught.value.code == "unknown_symbol"
    assert "BTCUSDT" in str(caught.value)
