"""Bybit payloads to model: documented samples, and literals for what the samples lack."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from real_trade.bybit import wire
from real_trade.model import InputError, Market, RateLimited, VenueError
from real_trade.utils.http import Answer, Transient

if TYPE_CHECKING:
    from pathlib import Path


def answer(body: Any, status: int = 200, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def envelope(result: Any, code: str = 0, message: Any = "OK") -> Any:
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": 1672025956592}


ROWS = [["120000", "3", "4.5", "2", "3.5", "7.25", "22.5"], ["60000", "1", "2", "0.5", "1.5", "10", "15"]]


def test_klines_ascend_and_keep_every_digit() -> None:
    bars = wire.read_klines(answer(envelope({"category": "linear", "symbol": "X", "list": ROWS})))
    assert bars.timestamp.tolist() == [60_000, 120_000]
    assert bars.high.tolist() == [2.0, 4.5]
    assert bars.volume.tolist() == [10.0, 7.25]
    assert bars.turnover.tolist() == [15.0, 22.5]
    assert not bars.synthetic.any()


def test_an_empty_page_is_a_page() -> None:
    assert len(wire.read_klines(answer(envelope({"list": []})))) == 0


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[::-1],
        [ROWS[0], ROWS[0]],
        [["60000", "1", "nan", "0.5", "1.5", "10", "15"]],
        [["60000", "1", "2"]],
        [["60000", "", "2", "0.5", "1.5", "10", "15"]],
    ],
    ids=["ascending", "twice", "nan", "short", "empty"],
)
def test_pages_that_cannot_be_meant_are_asked_for_again(rows: Any) -> None:
    with pytest.raises(Transient):
        wire.read_klines(answer(envelope({"list": rows})))


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (envelope({}, 10001, "params error: symbol invalid FOO"), InputError, "unknown_symbol"),
        (envelope({}, 10001, "Not supported symbols"), InputError, "unknown_symbol"),
        (envelope({"list": []}, 10001, "Invalid period!"), VenueError, "venue_error"),
        (envelope({}, 10006, "Too many visits!"), RateLimited, "rate_limited"),
        (envelope({}, 10018, "Exceeded the IP Rate Limit."), RateLimited, "rate_limited"),
    ],
)
def test_what_the_codes_mean(body: Any, error: Any, code: str) -> None:
    with pytest.raises(error) as caught:
        wire.read_klines(answer(body))
    assert caught.value.code == code
    assert type(caught.value) is error


def test_the_reset_header_tells_how_long_to_wait() -> None:
    for now in ({"Timenow": "1700000000000"}, {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}):
        headers = {"X_Bapi_Limit_Reset_Timestamp": "1700000002500", **now}
        with pytest.raises(RateLimited) as caught:
            wire.read_time(answer(envelope({}, 10006, "Too many visits!"), **headers))
        assert caught.value.retry_after_s == pytest.approx(2.55)
    with pytest.raises(RateLimited) as caught:
        wire.read_time(answer(envelope({}, 10006, "Too many visits!")))
    assert caught.value.retry_after_s == 1.0


def test_symbols_without_a_grid_are_left_out_and_cursors_are_decoded() -> None:
    grid = {"tickSize": "0.1"}
    lots = {"qtyStep": "0.001", "minOrderQty": "0.001", "minNotionalValue": "5"}
    good = {"symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "settleCoin": "USDT", "fundingInterval": 480}
    rows = [{**good, "priceFilter": grid, "lotSizeFilter": lots}]
    rows.append({**good, "symbol": "NEWUSDT", "priceFilter": {"tickSize": ""}, "lotSizeFilter": lots})
    body = envelope({"list": rows, "nextPageCursor": "first%3DBTCUSDT%26last%3DXRPUSDT"})
    found, cursor = wire.read_instruments(answer(body), Market.LINEAR)
    assert [instrument.symbol for instrument in found] == ["BTCUSDT"]
    assert cursor == "first=BTCUSDT&last=XRPUSDT"


def test_risk_limits_are_those_of_the_symbol_and_fractions() -> None:
    row = {"id": 1, "symbol": "BTCUSD", "riskLimitValue": "150", "isLowestRisk": 1, "maxLeverage": "100.00"}
    rows: list[dict[str, Any]] = [
        {**row, "maintenanceMargin": "0.5", "initialMargin": "1", "mmDeduction": ""},  # the documentation's example
        {**row, "maintenanceMargin": 0.005, "initialMargin": 0.01},
        {**row, "symbol": "ETHUSD", "maintenanceMargin": "0.01", "initialMargin": "0.02"},
    ]
    page = answer(envelope({"category": "inverse", "list": rows, "nextPageCursor": "page%3D2"}))
    found, cursor = wire.read_risk_limits(page, "BTCUSD")
    assert found == [(Decimal(150), Decimal("0.005"), Decimal(100))] * 2
    assert cursor == "page=2"
    assert wire.read_day(page) == "2022-12-26"
    assert wire.read_day(answer(b"{}")) == ""
    with pytest.raises(Transient):
        wire.read_risk_limits(answer(envelope({"list": [{**row, "maintenanceMargin": ""}]})), "BTCUSD")


@pytest.mark.shared
def test_documented_pages(fixtures_dir: Path) -> None:
    docs = fixtures_dir / "bybit" / "docs_examples" / "rest"
    bars = wire.read_klines(answer((docs / "market__kline.1.example.json").read_bytes()))
    assert bars.timestamp.tolist() == [1670601600000, 1670605200000, 1670608800000]
    assert bars.close[-1] == 17055.5
    assert bars.turnover[-1] == 15.74462667
    index = wire.read_price_klines(answer((docs / "market__index-kline.1.example.json").read_bytes()))
    assert index.open.tolist() == [17166.54, 17167.0]
    assert np.isnan(index.volume).all()
    assert wire.read_time(answer((docs / "market__time.1.example.json").read_bytes())) == 1688639403423


@pytest.mark.shared
def test_recorded_instruments_and_funding(fixtures_dir: Path) -> None:
    folder = fixtures_dir / "bybit" / "nautilus"
    linear, _ = wire.read_instruments(
        answer((folder / "http_get_instruments_linear_symbol_type.json").read_bytes()), Market.LINEAR
    )
    assert all(i.taker_fee == Decimal("0.00055") and i.tick_size > 0 for i in linear)
    spot, _ = wire.read_instruments(answer((folder / "http_get_instruments_spot.json").read_bytes()), Market.SPOT)
    assert (spot[0].symbol, spot[0].tick_size, spot[0].quantity_step, spot[0].min_notional) == (
        "BTCUSDT",
        Decimal("0.1"),
        Decimal("0.0001"),
        Decimal(10),
    )
    inverse, _ = wire.read_instruments(
        answer((folder / "http_get_instruments_inverse_symbol_type.json").read_bytes()), Market.INVERSE
    )
    assert (inverse[0].settle, inverse[0].funding_interval_minutes) == ("BRENT", 480)
    rates = wire.read_funding(answer((folder / "http_get_funding_history.json").read_bytes()))
    assert rates.timestamp.tolist() == [1709856000000, 1709884800000]
    assert rates.rate.tolist() == [0.00015, 0.0001]
