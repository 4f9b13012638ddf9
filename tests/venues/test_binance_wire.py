"""Binance payloads to model: documented samples, and literals for what the samples lack."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from real_trade.binance import wire
from real_trade.model import InputError, Market, RateLimited, VenueError
from real_trade.utils.http import Answer, Transient

if TYPE_CHECKING:
    from pathlib import Path

KLINE = [60_000, "1.5", "2", "1", "1.75", "10", 119_999, "17.5", 42, "5", "8", "0"]
MARK = [60_000, "1.5", "2", "1", "1.75", "0 ", 119_999, "0", 60, "0", "0", "0"]


def answer(body: Any, status: int = 200, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def symbol(name: Any = "BTCUSDT", tick: Any = "0.10", **more: Any) -> Any:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": tick, "minPrice": "0.1", "maxPrice": "100000"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ]
    return {"symbol": name, "baseAsset": "BTC", "quoteAsset": "USDT", "filters": filters, **more}


def test_klines_carry_volume_and_turnover() -> None:
    bars = wire.read_klines(answer([KLINE, [120_000, *KLINE[1:]]]))
    assert bars.timestamp.tolist() == [60_000, 120_000]
    assert (bars.close[0], bars.volume[0], bars.turnover[0]) == (1.75, 10.0, 17.5)


def test_price_bars_ignore_the_columns_that_mean_nothing() -> None:
    bars = wire.read_price_klines(answer([MARK]))
    assert bars.high.tolist() == [2.0]
    assert np.isnan(bars.volume).all()


@pytest.mark.parametrize("body", [[KLINE, KLINE], [KLINE[:8]], b"[[60000,", {"code": 1}])
def test_pages_that_cannot_be_meant_are_asked_for_again(body: Any) -> None:
    with pytest.raises(Transient):
        wire.read_klines(answer(body))


@pytest.mark.parametrize(
    ("status", "body", "headers", "error", "wait_s"),
    [
        (429, {"code": -1003, "msg": "Too many requests"}, {"Retry_After": "7"}, RateLimited, 7.0),
        (429, b"", {}, RateLimited, 60.0),
        (418, {"code": -1003, "msg": "banned"}, {"Retry_After": "130"}, RateLimited, 130.0),
        (403, b"<html>", {}, RateLimited, 120.0),
        (400, {"code": -1121, "msg": "Invalid symbol."}, {}, InputError, None),
        (400, {"code": -1120, "msg": "Invalid interval."}, {}, VenueError, None),
        (400, {"code": -1001, "msg": "Internal error"}, {}, Transient, None),
        (451, b"", {}, VenueError, None),
    ],
)
def test_what_status_and_code_mean(status: int, body: Any, headers: str, error: Any, wait_s: float | None) -> None:
    with pytest.raises(error) as caught:
        wire.read_klines(answer(body, status, **headers))
    assert type(caught.value) is error
    if wait_s is not None:
        assert caught.value.retry_after_s == wait_s
    if error is InputError:
        assert caught.value.code == "unknown_symbol"


def test_the_rest_of_the_minute_comes_from_the_date() -> None:
    assert wire.rest_of_minute_s(answer([], Date="Tue, 14 Nov 2023 22:13:20 GMT")) == 41.0
    assert wire.rest_of_minute_s(answer([])) == 60.0
    assert wire.used_weight(answer([], X_MBX_USED_WEIGHT_1M="17")) == 17
    assert wire.used_weight(answer([])) is None


def test_perpetuals_settle_every_eight_hours_unless_told() -> None:
    perpetual = {"marginAsset": "USDT", "contractType": "PERPETUAL"}
    rows = [symbol(**perpetual), symbol("ETHUSDT", **perpetual), symbol("BTCUSDT_240329", contractType="NEXT_QUARTER")]
    infos = wire.read_funding_intervals(answer([{"symbol": "ETHUSDT", "fundingIntervalHours": 4}]))
    found = wire.read_instruments(answer({"symbols": rows}), Market.LINEAR, infos)
    assert [i.funding_interval_minutes for i in found] == [480, 240, 0]
    assert (found[0].tick_size, found[0].min_notional, found[0].taker_fee) == (
        Decimal("0.1"),
        Decimal(5),
        Decimal("0.0005"),
    )


def test_coin_margined_contracts_have_a_value_and_settle_in_the_coin() -> None:
    row = symbol("BTCUSD_PERP", marginAsset="BTC", contractType="PERPETUAL", contractSize=100)
    (found,) = wire.read_instruments(answer({"symbols": [row]}), Market.INVERSE)
    assert (found.contract_value, found.settle) == (Decimal(100), "BTC")


def test_symbols_without_a_grid_are_left_out() -> None:
    assert wire.read_instruments(answer({"symbols": [symbol(tick="0.00000000")]}), Market.SPOT) == []


@pytest.mark.shared
def test_documented_samples(fixtures_dir: Path) -> None:
    expected = fixtures_dir / "binance" / "connector_expected"
    rates = wire.read_funding(
        answer((expected / "usds_futures" / "rest_api" / "get_funding_rate_history.json").read_bytes())
    )
    assert rates.rate.tolist() == [-0.0375]
    infos = (expected / "coin_futures" / "rest_api" / "get_funding_rate_info.json").read_bytes()
    assert wire.read_funding_intervals(answer(infos)) == {"BTCUSD_PERP": 480}
    refusal = (fixtures_dir / "binance" / "spot_docs_examples" / "errors" / "top.1.json").read_bytes()
    with pytest.raises(InputError):
        wire.read_klines(answer(refusal, 400))
