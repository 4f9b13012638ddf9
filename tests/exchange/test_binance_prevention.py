"""Orders of one account that meet at Binance: which of them expires, and what is told of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from binance_clients import SYMBOLS, Rejected, Rig, events_of

from real_trade.model import Market

SPOT, LINEAR, INVERSE = Market.SPOT, Market.LINEAR, Market.INVERSE
QUANTITY = {SPOT: ("0.02", "0.01"), LINEAR: ("0.02", "0.01"), INVERSE: ("20", "10")}
MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
# How the order in the book ends, and the one that arrives.
ENDS = {
    "NONE": ("PARTIALLY_FILLED", "FILLED"),
    "EXPIRE_TAKER": ("NEW", "EXPIRED_IN_MATCH"),
    "EXPIRE_MAKER": ("EXPIRED_IN_MATCH", "NEW"),
    "EXPIRE_BOTH": ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def meet(rig: Rig, market: Market, mode: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let an order rest before all others, and another of the account arrive at its price."""
    price, _ = rig.touch(market)
    listing = rig.world.listings[market, SYMBOLS[market]]
    # Nobody else bids that much.
    rig.world.exchange.quote(listing.name, 1, int(price / listing.contract.tick), 0, rig.world.now_ms)
    large, small = QUANTITY[market]
    maker = rig.order(market, "BUY", "LIMIT", quantity=large, price=price)
    taker = rig.order(market, "SELL", "LIMIT", quantity=small, price=price, selfTradePreventionMode=mode)
    return maker, taker


def state(rig: Rig, market: Market, row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = rig.mine(market, "GET", "order", symbol=SYMBOLS[market], orderId=row["orderId"])
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("market", [SPOT, LINEAR, INVERSE])
def test_who_gives_way_is_what_the_arriving_order_asks(rig: Rig, market: Market, mode: str) -> None:
    maker, taker = meet(rig, market, mode)
    rows = [state(rig, market, row) for row in (maker, taker)]
    assert tuple(row["status"] for row in rows) == ENDS[mode]
    assert [row["selfTradePreventionMode"] for row in rows] == ["EXPIRE_MAKER", mode]
    traded = [Decimal(row["executedQty"]) for row in rows]
    assert traded == ([Decimal(QUANTITY[market][1])] * 2 if mode == "NONE" else [0, 0])


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_match_that_was_prevented_is_remembered(rig: Rig, mode: str) -> None:
    wire = rig.user_stream(SPOT)
    maker, taker = meet(rig, SPOT, mode)
    (match,) = rig.mine(SPOT, "GET", "myPreventedMatches", symbol="BTCUSDT", orderId=maker["orderId"])
    assert match["takerOrderId"] == taker["orderId"]
    assert (match["makerOrderId"], match["selfTradePreventionMode"]) == (maker["orderId"], mode)
    assert (match["price"], match["tradeGroupId"]) == (maker["price"], -1)
    gone = {"takerPreventedQuantity": "0.01000000"} if mode != "EXPIRE_MAKER" else {}
    gone |= {"makerPreventedQuantity": "0.02000000"} if mode != "EXPIRE_TAKER" else {}
    assert {name: text for name, text in match.items() if name.endswith("Quantity")} == gone
    (told,) = taker["preventedMatches"]
    assert told == {"preventedMatchId": 0, "makerOrderId": maker["orderId"], "price": maker["price"], **gone}
    by_number = rig.mine(SPOT, "GET", "myPreventedMatches", symbol="BTCUSDT", preventedMatchId=0)
    assert by_number == [match]
    reports = [e for e in events_of(wire) if e.get("x") == "TRADE_PREVENTION"]
    assert len(reports) == len(gone)
    for report in reports:
        other = taker if report["i"] == maker["orderId"] else maker
        assert (report["v"], report["U"], report["Cs"]) == (0, other["orderId"], "BTCUSDT")
        assert report["A"] == report["B"] == ("0.02000000" if report["i"] == maker["orderId"] else "0.01000000")
        assert (report["pl"], report["pL"]) == ("0.01000000", maker["price"])
        row = rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=report["i"])
        assert (row["preventedMatchId"], row["preventedQuantity"]) == (0, report["A"])


def test_what_is_not_a_mode_is_refused_and_what_is_listed_is_one(rig: Rig) -> None:
    for market in (SPOT, LINEAR, INVERSE):
        with pytest.raises(Rejected) as caught:
            rig.order(market, "BUY", "MARKET", quantity=QUANTITY[market][1], selfTradePreventionMode="MAYBE")
        assert caught.value.code == -1130
    with pytest.raises(Rejected) as caught:
        rig.order(SPOT, "BUY", "MARKET", quantity="0.01", selfTradePreventionMode="TRANSFER")
    assert (caught.value.code, caught.value.message) == (
        -1013,
        "This symbol does not allow the specified self-trade prevention mode.",
    )
    listed = rig.public(SPOT, "exchangeInfo")["symbols"][0]
    assert set(listed["allowedSelfTradePreventionModes"]) == set(MODES)
    assert listed["defaultSelfTradePreventionMode"] == "EXPIRE_MAKER"
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "GET", "myPreventedMatches", symbol="BTCUSDT")
    assert caught.value.code == -1102


def test_conditional_orders_keep_their_mode(rig: Rig) -> None:
    bid, _ = rig.touch(LINEAR)
    row = rig.algo(
        LINEAR, "SELL", "STOP_MARKET", quantity="0.01", triggerPrice=bid - 1000, selfTradePreventionMode="EXPIRE_BOTH"
    )
    assert row["selfTradePreventionMode"] == "EXPIRE_BOTH"
