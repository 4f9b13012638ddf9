"""What Binance publishes about its futures beside prices agrees with their bars."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from binance_clients import SYMBOLS, Rejected, Rig

from real_trade.exchange.binance.calls import Call
from real_trade.exchange.binance.limits import weight_of
from real_trade.model import Market

LINEAR, INVERSE = Market.LINEAR, Market.INVERSE
FUTURES = [LINEAR, INVERSE]
FOLDERS = {LINEAR: "/futures/data/", INVERSE: "/coinm/futures/data/"}
NAMED: dict[Market, dict[str, object]] = {LINEAR: {"symbol": "BTCUSDT"}, INVERSE: {"pair": "BTCUSD"}}
PAIRS = {LINEAR: "BTCUSDT", INVERSE: "BTCUSD"}
HOUR = 3_600_000


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig()


def told(rig: Rig, market: Market, name: str, **params: object) -> list[dict[str, Any]]:
    params = {"period": "1h", **params}
    found: list[dict[str, Any]] = rig.send("GET", FOLDERS[market] + name, None, **params)
    return found


def bars_of(rig: Rig, market: Market, rows: list[dict[str, Any]]) -> list[list[Any]]:
    """Return the bars of the hours that rows are about."""
    first, last = rows[0]["timestamp"] - HOUR, rows[-1]["timestamp"] - HOUR
    span: dict[str, object] = {"startTime": first, "endTime": last}
    bars: list[list[Any]] = rig.public(market, "klines", symbol=SYMBOLS[market], interval="1h", **span)
    return bars


@pytest.mark.parametrize("market", FUTURES)
def test_the_crowd_sells_what_has_risen_to_the_largest(rig: Rig, market: Market) -> None:
    crowd = told(rig, market, "globalLongShortAccountRatio", **NAMED[market])
    accounts = told(rig, market, "topLongShortAccountRatio", **NAMED[market])
    positions = told(rig, market, "topLongShortPositionRatio", **NAMED[market])
    bars = bars_of(rig, market, crowd)
    long, short = ("longAccount", "shortAccount") if market is LINEAR else ("longPosition", "shortPosition")
    for row, top, held, bar in zip(crowd, accounts, positions, bars, strict=True):
        assert row["timestamp"] == top["timestamp"] == held["timestamp"] == bar[6] + 1
        assert Decimal(row["longAccount"]) + Decimal(row["shortAccount"]) == 1
        assert (row["longAccount"], row["shortAccount"]) == (top["shortAccount"], top["longAccount"])
        assert (held[long], held[short]) == (top["longAccount"], top["shortAccount"])
        rise = Decimal(bar[4]) - Decimal(bar[1])
        assert (Decimal(row["longAccount"]) - Decimal("0.5")) * rise <= 0
        ratio = Decimal(row["longAccount"]) / Decimal(row["shortAccount"])
        assert row["longShortRatio"] == f"{ratio:.4f}"
    assert len({row["longAccount"] for row in crowd}) > 10


@pytest.mark.parametrize("market", FUTURES)
def test_takers_are_those_of_the_bars(rig: Rig, market: Market) -> None:
    name, kind = ("takerlongshortRatio", {}) if market is LINEAR else ("takerBuySellVol", {"contractType": "ALL"})
    rows = told(rig, market, name, **NAMED[market], **kind)
    bought, sold = ("buyVol", "sellVol") if market is LINEAR else ("takerBuyVol", "takerSellVol")
    for row, bar in zip(rows, bars_of(rig, market, rows), strict=True):
        assert Decimal(row[bought]) == Decimal(bar[9]) > 0
        assert Decimal(row[bought]) + Decimal(row[sold]) == Decimal(bar[5])
        if market is LINEAR:
            assert row["buySellRatio"] == f"{Decimal(row[bought]) / Decimal(row[sold]):.4f}"
        else:
            value = Decimal(row["takerBuyVolValue"]) + Decimal(row["takerSellVolValue"])
            assert abs(value - Decimal(bar[7])) <= Decimal("0.0001")
            assert row["contractType"] == "ALL"
    if market is INVERSE:
        assert told(rig, market, name, **NAMED[market], contractType="NEXT_QUARTER") == []


@pytest.mark.parametrize("market", FUTURES)
def test_the_basis_is_what_a_contract_costs_above_the_index(rig: Rig, market: Market) -> None:
    pair: dict[str, object] = {"pair": PAIRS[market]}
    rows = told(rig, market, "basis", **pair, contractType="PERPETUAL")
    assert len(rows) == 30
    span: dict[str, object] = {"startTime": rows[0]["timestamp"] - HOUR, "endTime": rows[-1]["timestamp"] - HOUR}
    index = rig.public(market, "indexPriceKlines", **pair, interval="1h", **span)
    for row, bar, other in zip(rows, bars_of(rig, market, rows), index, strict=True):
        assert Decimal(row["futuresPrice"]) == Decimal(bar[4])
        assert Decimal(row["indexPrice"]) == Decimal(other[4])
        basis = Decimal(bar[4]) - Decimal(other[4])
        assert Decimal(row["basis"]) == basis
        assert row["basisRate"] == f"{basis / Decimal(other[4]):.4f}"
        assert row["annualizedBasisRate"] == ""


def test_the_basis_of_a_dated_future_is_told_by_the_year(rig: Rig) -> None:
    quarter = told(rig, LINEAR, "basis", pair="BTCUSDT", contractType="CURRENT_QUARTER")
    perpetual = told(rig, LINEAR, "basis", pair="BTCUSDT", contractType="PERPETUAL")
    (facts,) = [s for s in rig.public(LINEAR, "exchangeInfo")["symbols"] if s["symbol"] == "BTCUSDT_240329"]
    for row, other in zip(quarter, perpetual, strict=True):
        years = Decimal(facts["deliveryDate"] - row["timestamp"]) / (365 * 24 * HOUR)
        rate = Decimal(row["basis"]) / Decimal(row["indexPrice"])
        assert row["annualizedBasisRate"] == f"{rate / years:.4f}"
        assert row | {"annualizedBasisRate": "", "contractType": "PERPETUAL"} == other
    for market, pair, kind in (
        (LINEAR, "ETHUSDT", "CURRENT_QUARTER"),
        (LINEAR, "BTCUSDT", "NEXT_QUARTER"),
        (INVERSE, "BTCUSD", "CURRENT_QUARTER"),
    ):
        assert told(rig, market, "basis", pair=pair, contractType=kind) == []


@pytest.mark.parametrize("name", ["globalLongShortAccountRatio", "takerlongshortRatio", "openInterestHist"])
def test_periods_are_those_asked_for_and_over(rig: Rig, name: str) -> None:
    symbol: dict[str, object] = {"symbol": "BTCUSDT"}
    now = rig.clock.now_ms()
    rows = told(rig, LINEAR, name, **symbol, period="5m")
    stamps = [row["timestamp"] for row in rows]
    assert stamps == list(range(stamps[0], stamps[-1] + 1, 300_000))
    assert len(stamps) == 30
    assert now - 300_000 < stamps[-1] <= now
    assert told(rig, LINEAR, name, **symbol, period="5m", limit=2) == rows[-2:]
    span: dict[str, object] = {"startTime": stamps[3], "endTime": stamps[5] + 1}
    assert told(rig, LINEAR, name, **symbol, period="5m", **span) == rows[3:6]
    for params, code in (
        ({**symbol, "period": "7m"}, -1130),
        ({**symbol, "period": None}, -1102),
        ({**symbol, "limit": 501}, -1130),
        ({**symbol, "startTime": 2, "endTime": 1}, -1023),
        ({"symbol": "NOPE"}, -1121),
        ({}, -1102),
    ):
        with pytest.raises(Rejected) as caught:
            told(rig, LINEAR, name, **params)
        assert caught.value.code == code


def test_before_the_market_there_was_nothing(rig: Rig) -> None:
    rows = told(rig, LINEAR, "globalLongShortAccountRatio", symbol="BTCUSDT", limit=500)
    first = rig.public(LINEAR, "klines", symbol="BTCUSDT", interval="1h", startTime=0, limit=1)[0][0]
    assert rows[0]["timestamp"] == first + HOUR


def test_statistics_weigh_nothing() -> None:
    assert weight_of(Call(LINEAR, "GET", "data/basis", {})) == 0
    assert weight_of(Call(LINEAR, "GET", "klines", {})) > 0


def test_what_insures_a_coin_s_futures_is_told() -> None:
    rig = Rig()
    rig.touch(LINEAR)
    symbols = ["BTCUSDT", "BTCUSDT_240329", "ETHUSDT"]
    assert [pool["symbols"] for pool in rig.public(LINEAR, "insuranceBalance")] == [symbols]
    (before,) = rig.public(LINEAR, "insuranceBalance", symbol="ETHUSDT")["assets"]
    listing = rig.world.listings[LINEAR, "BTCUSDT"]
    account = rig.venue.accounts["key"][LINEAR]
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.01")
    position = rig.world.exchange.accounts[account].position(listing.contract)
    rig.world.exchange.take_over(account, position, position.lots, "liquidation", rig.world.now_ms)
    (after,) = rig.public(LINEAR, "insuranceBalance", symbol="BTCUSDT")["assets"]
    assert before["asset"] == after["asset"] == "USDT"
    assert before["updateTime"] <= rig.clock.now_ms() < before["updateTime"] + 24 * HOUR
    gained = rig.world.exchange.settlement.insurance["USDT"]
    assert gained != 0
    assert Decimal(after["marginBalance"]) - Decimal(before["marginBalance"]) == gained * Decimal("0.00000001")


def test_retail_traders_have_no_orders_of_their_own(rig: Rig) -> None:
    book = rig.public(LINEAR, "depth", symbol="BTCUSDT", limit=1_000)
    assert rig.public(LINEAR, "rpiDepth", symbol="BTCUSDT") == book
    assert rig.mine(LINEAR, "GET", "feeBurn") == {"feeBurn": False}
