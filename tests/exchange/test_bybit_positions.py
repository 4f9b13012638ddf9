"""Bybit's positions: leverage and margin of each side, and the prices and sums that a row tells."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from bybit_desk import CONTRACTS, INVERSE, LINEAR, MEMBER, OTHER, SPOT, Desk, code, order_id

from real_trade.exchange.core.contract import Kind
from real_trade.model import parse_time


@pytest.fixture
def desk() -> Desk:
    return Desk()


def position(desk: Desk, who: dict[str, str]) -> Any:
    return desk.rows("position/list", **who)[0]


def isolate(desk: Desk) -> None:
    assert code(desk.post("account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")) == 0


def levers(desk: Desk, buy: str, sell: str) -> Any:
    return desk.post("position/set-leverage", **LINEAR, buyLeverage=buy, sellLeverage=sell)


def test_sides_have_leverages_of_their_own_only_isolated_and_hedged(desk: Desk) -> None:
    assert code(levers(desk, "5", "8")) == 10001
    isolate(desk)
    assert code(levers(desk, "5", "8")) == 10001
    desk.post("position/switch-mode", **LINEAR, mode=3)
    assert code(levers(desk, "5", "8")) == 0
    assert code(levers(desk, "5", "8")) == 110043
    assert code(levers(desk, "5", "101")) == 110013
    desk.order(LINEAR, positionIdx=1)
    desk.order(LINEAR, "Sell", positionIdx=2)
    rows = desk.rows("position/list", **LINEAR)
    assert [row["leverage"] for row in rows] == ["5", "8"]
    for row in rows:
        assert Decimal(row["positionIM"]) == pytest.approx(
            Decimal(row["size"]) * Decimal(row["markPrice"]) / int(row["leverage"]), rel=Decimal("0.0000001")
        )
    # Cross, both must have the same.
    desk.order(LINEAR, "Sell", positionIdx=1)
    desk.order(LINEAR, positionIdx=2)
    desk.post("account/set-margin-mode", setMarginMode="REGULAR_MARGIN")
    assert code(levers(desk, "6", "9")) == 10001
    assert code(desk.post("position/switch-isolated", **LINEAR, tradeMode=1, buyLeverage="5", sellLeverage="5")) == (
        100028
    )


def test_the_margin_mode_it_is_in_may_be_asked_for_whatever_is_held(desk: Desk) -> None:
    isolate(desk)
    desk.order(LINEAR)
    isolate(desk)
    assert code(desk.post("account/set-margin-mode", setMarginMode="REGULAR_MARGIN")) == 3400045
    assert desk.get("account/info")["result"]["marginMode"] == "ISOLATED_MARGIN"


@pytest.mark.parametrize("side", ["Buy", "Sell"])
@pytest.mark.parametrize("who", CONTRACTS, ids=lambda who: who["category"])
def test_at_the_break_even_price_nothing_is_lost(desk: Desk, who: dict[str, str], side: str) -> None:
    desk.order(who, side)
    row = position(desk, who)
    paid = sum(Decimal(fill["execFee"]) for fill in desk.rows("execution/list", **who))
    assert Decimal(row["curRealisedPnl"]) == Decimal(row["cumRealisedPnl"]) == -paid
    size, entry, even = (Decimal(row[name]) for name in ("size", "avgPrice", "breakEvenPrice"))
    sign = 1 if side == "Buy" else -1
    fee = Decimal("0.00055")
    if who is LINEAR:
        gain, closing = sign * (even - entry) * size, even * size * fee
    else:
        gain, closing = sign * (size / entry - size / even), size / even * fee
    assert abs(gain - closing - paid) <= paid / 10_000
    assert row["bustPrice"] == ""


def test_what_was_realised_begins_anew_with_the_position(desk: Desk) -> None:
    fee = Decimal("0.00055")

    def paid(**only: str) -> Decimal:
        fills = desk.rows("execution/list", **LINEAR, limit=100)
        return sum((Decimal(f["execFee"]) for f in fills if only.items() <= f.items()), Decimal(0))

    desk.order(LINEAR, "Buy", qty="0.010")
    desk.jump(LINEAR, 1.01)
    desk.order(LINEAR, "Sell", qty="0.004")
    gained = Decimal(desk.rows("position/closed-pnl", **LINEAR)[0]["closedPnl"])
    row = position(desk, LINEAR)
    assert Decimal(row["curRealisedPnl"]) == Decimal(row["cumRealisedPnl"]) == gained - paid(side="Buy")
    # It turns: what closes of it belongs to the old position, what opens to the new one.
    desk.order(LINEAR, "Sell", qty="0.010")
    row = position(desk, LINEAR)
    assert (row["side"], row["size"]) == ("Sell", "0.004")
    assert -Decimal(row["curRealisedPnl"]) == pytest.approx(
        Decimal("0.004") * Decimal(row["avgPrice"]) * fee, abs=Decimal("1e-7")
    )
    pushed = sum(desk.world.exchange.accounts[1].realised.values()) * Decimal("1e-8")
    assert Decimal(row["cumRealisedPnl"]) == pushed - paid()
    assert Decimal(row["createdTime"]) == Decimal(desk.rows("execution/list", **LINEAR)[0]["execTime"])


def test_funding_counts_as_realised_and_is_an_execution(desk: Desk) -> None:
    del desk
    desk = Desk(now_ms=parse_time("2024-01-15T15:59:30Z"))
    desk.order(LINEAR, qty="0.5")
    before = Decimal(position(desk, LINEAR)["curRealisedPnl"])
    later = parse_time("2024-01-15T16:00:01Z")
    desk.clock.advance_to(later)
    desk.venue.advance(later)
    paid = desk.rows("execution/list", **LINEAR, execType="Funding")[0]
    assert Decimal(position(desk, LINEAR)["curRealisedPnl"]) == before - Decimal(paid["execFee"])
    assert (paid["orderQty"], paid["execQty"], paid["orderType"], paid["side"]) == ("0", "0.500", "UNKNOWN", "Buy")
    assert Decimal(paid["execValue"]) * Decimal(paid["feeRate"]) == pytest.approx(
        Decimal(paid["execFee"]), abs=Decimal("0.0001")
    )


@pytest.mark.parametrize("side", ["Buy", "Sell"])
@pytest.mark.parametrize("who", CONTRACTS, ids=lambda who: who["category"])
def test_an_isolated_position_has_lost_its_margin_at_the_bankruptcy_price(
    desk: Desk, who: dict[str, str], side: str
) -> None:
    isolate(desk)
    desk.order(who, side)
    row = position(desk, who)
    size, entry, bust = (Decimal(row[name]) for name in ("size", "avgPrice", "bustPrice"))
    loss = (entry - bust) * size if who is LINEAR else size / bust - size / entry
    assert abs(abs(loss) - Decimal(row["positionBalance"])) <= Decimal(row["positionBalance"]) / 1_000
    liquidated = Decimal(row["liqPrice"])
    assert (bust < liquidated < entry) if side == "Buy" else (bust > liquidated > entry)


def test_margin_is_added_by_itself_where_it_was_asked_for(desk: Desk) -> None:
    ask = {**LINEAR, "positionIdx": 0}
    assert code(desk.post("position/set-auto-add-margin", **ask, autoAddMargin=1)) == 110073
    isolate(desk)
    desk.order(LINEAR)
    assert code(desk.post("position/set-auto-add-margin", **LINEAR, positionIdx=1, autoAddMargin=1)) == 10001
    assert code(desk.post("position/set-auto-add-margin", **ask, autoAddMargin=1)) == 0
    row = position(desk, LINEAR)
    assert row["autoAddMargin"] == 1
    beyond = Decimal(row["liqPrice"]) * Decimal("0.99")
    desk.mark(LINEAR, float(beyond / desk.last(LINEAR)))
    kept = position(desk, LINEAR)
    assert kept["size"] == "0.010"
    assert Decimal(kept["positionBalance"]) > Decimal(row["positionBalance"])
    assert Decimal(kept["liqPrice"]) < beyond
    desk.post("position/set-auto-add-margin", **ask, autoAddMargin=0)
    desk.mark(LINEAR, float(Decimal(kept["liqPrice"]) * Decimal("0.99") / desk.last(LINEAR)))
    assert position(desk, LINEAR)["size"] == "0"


@pytest.mark.parametrize(
    ("kind", "exec_type", "created", "logged"),
    [
        ("liquidation", "BustTrade", "CreateByLiq", "LIQUIDATION"),
        ("adl", "AdlTrade", "CreateByAdl_PassThrough", "ADL"),
        ("delivery", "Delivery", "CreateBySettle", "DELIVERY"),
    ],
)
def test_what_the_venue_closes_is_an_execution(
    desk: Desk, kind: str, exec_type: str, created: str, logged: str
) -> None:
    desk.order(INVERSE)
    held = desk.world.exchange.accounts[1].position(desk.world.exchange.contracts[desk.name(INVERSE)])
    desk.listen("execution", "position")
    desk.world.exchange.take_over(1, held, 400, kind, desk.world.now_ms)
    desk.world.tell()
    row = desk.rows("execution/list", **INVERSE, execType=exec_type)[0]
    assert (row["side"], row["execQty"], row["closedSize"], row["createType"]) == ("Sell", "400", "400", created)
    assert row["orderId"]
    assert desk.seen("execution")[0]["execId"] == row["execId"]
    assert desk.seen("position")[-1]["size"] == "600"
    assert desk.rows("account/transaction-log", type=logged)[0]["orderId"] == row["orderId"]
    assert desk.rows("position/closed-pnl", **INVERSE)[0]["orderId"] == row["orderId"]


def test_executions_count_down_what_is_left_of_their_order(desk: Desk) -> None:
    # More than one level of the book holds.
    name = order_id(desk.order(LINEAR, qty="8"))
    fills = desk.rows("execution/list", **LINEAR, orderId=name)[::-1]
    assert len(fills) > 1
    left = Decimal(8)
    for fill in fills:
        left -= Decimal(fill["execQty"])
        assert Decimal(fill["leavesQty"]) == left


def test_the_log_tells_the_balance_after_each_change(desk: Desk) -> None:
    desk.order(LINEAR, qty="8")
    desk.order(LINEAR, "Sell", qty="8")
    rows = desk.rows("account/transaction-log", currency="USDT", limit=50)
    assert len(rows) > 4
    for after, before in pairwise(rows):
        assert Decimal(after["cashBalance"]) == Decimal(before["cashBalance"]) + Decimal(after["change"])


def test_an_account_pays_the_fees_of_its_tier() -> None:
    desk = Desk(members=(replace(MEMBER, tier="vip1"), OTHER))
    fees = desk.rows("account/fee-rate", **LINEAR)[0]
    assert (fees["makerFeeRate"], fees["takerFeeRate"]) == ("0.00018", "0.0004")
    name = order_id(desk.order(LINEAR))
    assert {fill["feeRate"] for fill in desk.rows("execution/list", **LINEAR, orderId=name)} == {"0.0004"}
    assert desk.get("user/query-api")["result"]["vipLevel"] == "VIP-1"
    assert desk.get("account/fee-rate", OTHER, **LINEAR)["result"]["list"][0]["takerFeeRate"] == "0.00055"
    assert desk.get("user/query-api", OTHER)["result"]["vipLevel"] == "No VIP"
    assert desk.get("account/fee-rate", category="option")["result"] == {
        "category": "option",
        "list": [{"symbol": "", "baseCoin": "BTC", "takerFeeRate": "0.0003", "makerFeeRate": "0.0002"}],
    }
    assert desk.rows("account/fee-rate", category="option", baseCoin="ETH") == []
    assert "category" not in desk.get("account/fee-rate", **LINEAR)["result"]
    assert desk.get("account/fee-rate", **SPOT)["result"]["category"] == "spot"
    desk.world.exchange.set_fees(1, Kind.SPOT, 0, 250_000)
    assert desk.rows("account/fee-rate", **SPOT)[0]["takerFeeRate"] == "0.00025"
    name = order_id(desk.order(SPOT))
    assert desk.rows("execution/list", **SPOT, orderId=name)[0]["feeRate"] == "0.00025"
