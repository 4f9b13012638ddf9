"""Bybit's order desk without sockets: what it takes, refuses and tells, on a clock that is moved by hand."""

from __future__ import annotations

import hmac
import itertools
import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote_plus

import pytest
from bybit_desk import ALL, CONTRACTS, INVERSE, LINEAR, OTHER, SPOT, Desk, code, order_id

from real_trade.model import parse_time


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("who", ALL, ids=lambda who: who["category"])
def test_every_order_tells_its_life(desk: Desk, who: dict[str, str]) -> None:
    desk.listen("order")
    rests = order_id(desk.limit(who, 0.97))
    desk.post("order/cancel", **who, orderId=rests)
    assert desk.statuses(rests) == ["New", "Cancelled"]
    market = order_id(desk.order(who))
    lives = desk.statuses(market)
    assert lives[0] == "New"
    assert lives[-1] == "Filled"
    assert set(lives[1:-1]) <= {"PartiallyFilled"}
    post_only = order_id(desk.limit(who, 1.01, timeInForce="PostOnly"))
    assert desk.statuses(post_only) == ["New", "Cancelled"]
    assert desk.seen("order")[-1]["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"
    for force in ("IOC", "FOK"):
        away = order_id(desk.limit(who, 0.9, timeInForce=force))
        assert desk.statuses(away) == ["New", "Cancelled"]
    waits = {"triggerPrice": desk.price(who, 1.01), "triggerDirection": 1}
    stop = order_id(desk.order(who, **waits))
    desk.jump(who, 1.02)
    lives = desk.statuses(stop)
    assert lives[:3] == ["Untriggered", "Triggered", "New"]
    assert lives[-1] == "Filled"
    other = order_id(desk.order(who, triggerPrice=desk.price(who, 1.05), triggerDirection=1))
    desk.post("order/cancel", **who, orderId=other)
    assert desk.statuses(other) == ["Untriggered", "Deactivated"]


def test_an_order_rests_fills_in_part_and_is_cancelled(desk: Desk) -> None:
    desk.listen("order", "execution", "position", "wallet")
    book = desk.world.exchange.books["linear/BTCUSDT"]
    (ticks, lots), *_ = book.depth(1)[1]
    contract = desk.world.exchange.contracts["linear/BTCUSDT"]
    qty = str((lots + 5) * contract.step)
    placed = order_id(desk.order(LINEAR, orderType="Limit", price=str(ticks * contract.tick), qty=qty))
    assert desk.statuses(placed)[:2] == ["New", "PartiallyFilled"]
    (row,) = desk.rows("order/realtime", **LINEAR)
    assert Decimal(row["cumExecQty"]) == lots * contract.step
    assert Decimal(row["leavesQty"]) == 5 * contract.step
    desk.post("order/cancel", **LINEAR, orderId=placed)
    assert desk.seen("order")[-1]["orderStatus"] == "Cancelled"
    assert desk.seen("order")[-1]["cumExecQty"] == row["cumExecQty"]
    assert {message["topic"] for message in desk.told} == {"order", "execution", "position", "wallet"}
    assert all(row["accountType"] == "UNIFIED" for row in desk.seen("wallet"))


def test_spot_part_filled_and_cancelled_has_a_status_of_its_own(desk: Desk) -> None:
    (ticks, lots), *_ = desk.world.exchange.books["spot/BTCUSDT"].depth(1)[1]
    contract = desk.world.exchange.contracts["spot/BTCUSDT"]
    qty = f"{(lots + 5) * contract.step:f}"
    desk.order(SPOT, orderType="Limit", price=str(ticks * contract.tick), qty=qty, timeInForce="IOC")
    assert desk.rows("order/history", **SPOT)[0]["orderStatus"] == "PartiallyFilledCanceled"


REFUSALS: dict[str, tuple[dict[str, str], dict[str, Any], int]] = {
    "no category": ({}, {}, 10001),
    "unknown category": ({"category": "moon"}, {}, 10001),
    "unknown symbol": ({"category": "linear", "symbol": "NOPE"}, {"qty": "1"}, 10001),
    "unknown symbol on spot": ({"category": "spot", "symbol": "NOPE"}, {"qty": "1"}, 170121),
    "no side": (LINEAR, {"side": ""}, 10001),
    "wrong side": (LINEAR, {"side": "buy"}, 10001),
    "wrong type": (LINEAR, {"orderType": "Stop"}, 10001),
    "no price": (LINEAR, {"orderType": "Limit"}, 10001),
    "price of nothing": (LINEAR, {"orderType": "Limit", "price": "0"}, 110003),
    "price beyond the grid": (LINEAR, {"orderType": "Limit", "price": "99999999"}, 110003),
    "price no number": (LINEAR, {"orderType": "Limit", "price": "cheap"}, 10001),
    "spot price of nothing": (SPOT, {"orderType": "Limit", "price": "0"}, 170133),
    "spot price too high": (SPOT, {"orderType": "Limit", "price": "99999999"}, 170132),
    "spot price decimals": (SPOT, {"orderType": "Limit", "price": "40000.001"}, 170134),
    "quantity of nothing": (LINEAR, {"qty": "0"}, 10001),
    "quantity below the step": (LINEAR, {"qty": "0.0001"}, 10001),
    "quantity missing": (LINEAR, {"qty": ""}, 10001),
    "spot quantity decimals": (SPOT, {"qty": "0.00000001"}, 170137),
    "spot quantity of nothing": (SPOT, {"qty": "0"}, 170136),
    "spot value too low": (SPOT, {"qty": "0.000001"}, 170140),
    "spot cost too low": (SPOT, {"qty": "1", "marketUnit": "quoteCoin"}, 170140),
    "value too low": (LINEAR, {"orderType": "Limit", "price": "100", "qty": "0.001"}, 110094),
    "too dear": (LINEAR, {"qty": "40"}, 110007),
    "too dear on spot": (SPOT, {"qty": "9"}, 170131),
    "too much": (LINEAR, {"qty": "101"}, 10001),
    "too much on spot": (SPOT, {"qty": "40"}, 170135),
    "reduces nothing": (LINEAR, {"reduceOnly": True}, 110017),
    "hedged side in one way": (LINEAR, {"positionIdx": 1}, 10001),
    "no such position index": (LINEAR, {"positionIdx": 3}, 10001),
    "link too long": (LINEAR, {"orderLinkId": "x" * 37}, 10001),
    "link with a space": (LINEAR, {"orderLinkId": "a b"}, 10001),
    "trigger without direction": (LINEAR, {"triggerPrice": "50000"}, 10001),
    "trigger below, rising": (LINEAR, {"triggerPrice": "100", "triggerDirection": 1}, 110092),
    "trigger above, falling": (LINEAR, {"triggerPrice": "999999", "triggerDirection": 2}, 110093),
    "tpsl order without trigger": (SPOT, {"orderFilter": "tpslOrder"}, 10001),
    "take profit on the wrong side": (LINEAR, {"takeProfit": "100"}, 10001),
    "stop loss on the wrong side": (LINEAR, {"stopLoss": "999999"}, 10001),
    "full take profit with a limit": (LINEAR, {"takeProfit": "999999", "tpLimitPrice": "999999"}, 10001),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(desk: Desk, case: str) -> None:
    who, changed, expected = REFUSALS[case]
    params = {"side": "Buy", "orderType": "Market", "qty": "0.01", "marketUnit": "baseCoin", **who, **changed}
    answer = desk.post("order/create", **params)
    assert code(answer) == expected, answer
    assert answer["result"] == {}
    assert desk.get("account/wallet-balance", accountType="UNIFIED")["result"]["list"][0]["totalInitialMargin"] == "0"


def test_refusals_that_need_something_before(desk: Desk) -> None:
    link = {"orderLinkId": "mine"}
    assert code(desk.limit(LINEAR, 0.95, **link)) == 0
    assert code(desk.limit(LINEAR, 0.95, **link)) == 110072
    assert code(desk.limit(SPOT, 0.95, orderLinkId="spot")) == 0
    assert code(desk.limit(SPOT, 0.95, orderLinkId="spot")) == 170141
    assert code(desk.post("order/amend", **LINEAR, **link)) == 10001
    assert code(desk.post("order/amend", **LINEAR, **link, triggerPrice="1")) == 10001
    assert code(desk.post("order/cancel", **LINEAR, orderId="nobody")) == 110001
    assert code(desk.post("order/cancel", **SPOT, orderId="nobody")) == 170213
    assert code(desk.post("order/cancel", **LINEAR)) == 10001
    assert code(desk.post("order/cancel-all", category="linear")) == 10001
    assert code(desk.post("position/switch-mode", **LINEAR, mode=3)) == 110028
    desk.post("order/cancel-all", category="linear", settleCoin="USDT")
    assert code(desk.order(LINEAR, takeProfit=desk.price(LINEAR, 1.05), reduceOnly=True)) == 10001
    assert code(desk.order(LINEAR)) == 0
    assert code(desk.post("position/switch-mode", **LINEAR, mode=3)) == 110024
    assert code(desk.post("position/switch-mode", **LINEAR, mode=0)) == 110025
    assert code(desk.post("position/switch-mode", **INVERSE, mode=3)) == 110029
    assert code(desk.post("position/set-leverage", **LINEAR, buyLeverage="10", sellLeverage="10")) == 110043
    assert code(desk.post("position/set-leverage", **LINEAR, buyLeverage="101", sellLeverage="101")) == 110013
    assert code(desk.post("position/set-leverage", **LINEAR, buyLeverage="5", sellLeverage="6")) == 10001
    assert code(desk.post("position/trading-stop", **LINEAR, positionIdx=0)) == 34040
    assert code(desk.post("account/set-margin-mode", setMarginMode="PORTFOLIO_MARGIN")) == 3400045
    assert code(desk.get("nothing/here")) == 10017
    assert code(desk.post("position/set-leverage", **LINEAR, buyLeverage="100", sellLeverage="100")) == 0
    assert code(desk.order(LINEAR, qty="60")) == 110090


def test_open_orders_are_counted(desk: Desk) -> None:
    rises = {"triggerPrice": desk.price(LINEAR, 1.05), "triggerDirection": 1}
    assert [code(desk.order(LINEAR, **rises)) for _ in range(11)] == [0] * 10 + [110009]
    rises = {"triggerPrice": desk.price(SPOT, 1.05)}
    assert [code(desk.order(SPOT, **rises)) for _ in range(31)] == [0] * 30 + [170811]
    assert code(desk.order(SPOT, **rises, orderFilter="tpslOrder")) == 0
    low = {"qty": "0.001", "orderType": "Limit", "price": desk.price(LINEAR, 0.9)}
    assert {code(desk.order(LINEAR, **low)) for _ in range(500)} == {0}
    assert code(desk.order(LINEAR, **low)) == 110020


@pytest.mark.parametrize("who", CONTRACTS, ids=lambda who: who["category"])
@pytest.mark.parametrize(("name", "factor"), [("takeProfit", 1.01), ("stopLoss", 0.99)])
def test_protection_closes_the_position_and_clears_the_other(
    desk: Desk, who: dict[str, str], name: str, factor: float
) -> None:
    desk.listen("order")
    both = {"takeProfit": desk.price(who, 1.01), "stopLoss": desk.price(who, 0.99)}
    desk.order(who, **both)
    guards = {row["stopOrderType"]: row["orderId"] for row in desk.rows("order/realtime", **who)}
    assert set(guards) == {"TakeProfit", "StopLoss"}
    desk.jump(who, factor + (0.002 if factor > 1 else -0.002))
    assert desk.rows("position/list", **who)[0]["size"] == "0"
    hit = "TakeProfit" if name == "takeProfit" else "StopLoss"
    other = "StopLoss" if hit == "TakeProfit" else "TakeProfit"
    assert desk.statuses(guards[hit])[-1] == "Filled"
    assert desk.statuses(guards[other]) == ["Untriggered", "Deactivated"]
    cleared = next(row for row in desk.seen("order")[::-1] if row["orderId"] == guards[other])
    assert cleared["cancelType"] == "CancelByTpSlTsClear"
    assert cleared["createType"] == f"CreateBy{other}"
    closed = next(row for row in desk.seen("order")[::-1] if row["orderId"] == guards[hit])
    assert (Decimal(closed["closedPnl"]) > 0) == (hit == "TakeProfit")


def test_protection_in_part_grows_with_the_fills(desk: Desk) -> None:
    (_, lots), *_ = desk.world.exchange.books["linear/BTCUSDT"].depth(1)[1]
    contract = desk.world.exchange.contracts["linear/BTCUSDT"]
    qty = (lots + 3) * contract.step  # more than the first level has
    desk.order(LINEAR, qty=str(qty), tpslMode="Partial", takeProfit=desk.price(LINEAR, 1.05))
    (guard,) = desk.rows("order/realtime", **LINEAR)
    assert (guard["stopOrderType"], Decimal(guard["qty"])) == ("PartialTakeProfit", qty)


def test_a_trailing_stop_follows_and_is_cleared(desk: Desk) -> None:
    desk.order(LINEAR)
    desk.post("position/trading-stop", **LINEAR, trailingStop="200", positionIdx=0)
    first = Decimal(desk.rows("order/realtime", **LINEAR)[0]["triggerPrice"])
    assert first == desk.last(LINEAR) - 200
    desk.jump(LINEAR, 1.01)
    second = Decimal(desk.rows("order/realtime", **LINEAR)[0]["triggerPrice"])
    assert second == desk.last(LINEAR) - 200 > first
    desk.jump(LINEAR, 0.99)
    assert desk.rows("position/list", **LINEAR)[0]["size"] == "0"
    assert desk.rows("order/history", **LINEAR)[0]["stopOrderType"] == "TrailingStop"
    desk.order(LINEAR)
    desk.post("position/trading-stop", **LINEAR, trailingStop="200", activePrice=desk.price(LINEAR, 1.01))
    assert desk.rows("order/realtime", **LINEAR)[0]["triggerPrice"] == "0"
    desk.order(LINEAR, "Sell", reduceOnly=True)
    assert desk.rows("order/history", **LINEAR)[0]["cancelType"] == "CancelByTpSlTsClear"


def test_spot_protection_is_one_or_the_other(desk: Desk) -> None:
    both = {"takeProfit": desk.price(SPOT, 1.01), "stopLoss": desk.price(SPOT, 0.99)}
    desk.order(SPOT, orderType="Limit", price=desk.price(SPOT, 1.002), **both)
    first, second = desk.rows("order/realtime", **SPOT)
    assert {first["triggerPrice"], second["triggerPrice"]} == {f"{Decimal(p):.2f}" for p in both.values()}
    assert Decimal(first["qty"]) < Decimal("0.01")  # the fee was taken from what was bought
    desk.jump(SPOT, 1.012)
    assert desk.rows("order/realtime", **SPOT) == []
    ended = {row["orderStatus"] for row in desk.rows("order/history", **SPOT)[:2]}
    assert ended == {"Filled", "Deactivated"}


def test_protection_of_an_order_is_amended_and_taken_away(desk: Desk) -> None:
    placed = order_id(desk.limit(LINEAR, 0.97, takeProfit=desk.price(LINEAR, 1.05), stopLoss=desk.price(LINEAR, 0.9)))
    higher = desk.price(LINEAR, 1.06)
    assert code(desk.post("order/amend", **LINEAR, orderId=placed, takeProfit=higher, stopLoss="0")) == 0
    (row,) = desk.rows("order/realtime", **LINEAR)
    assert (row["takeProfit"], row["stopLoss"], row["orderStatus"]) == (higher, "", "New")


def test_hedged_sides_are_kept_apart(desk: Desk) -> None:
    assert code(desk.post("position/switch-mode", category="linear", coin="USDT", mode=3)) == 0
    assert code(desk.order(LINEAR)) == 10001
    desk.order(LINEAR, positionIdx=1)
    desk.order(LINEAR, "Sell", positionIdx=2, qty="0.02")
    assert [(r["positionIdx"], r["side"], r["size"]) for r in desk.rows("position/list", **LINEAR)] == [
        (1, "Buy", "0.010"),
        (2, "Sell", "0.020"),
    ]
    desk.order(LINEAR, "Sell", positionIdx=1, qty="5")  # against its side it can only take back
    assert [r["size"] for r in desk.rows("position/list", **LINEAR)] == ["0", "0.020"]


def test_by_coin_the_mode_changes_where_it_can(desk: Desk) -> None:
    coin = {"category": "linear", "coin": "USDT"}
    assert code(desk.post("position/switch-mode", **coin, mode=0)) == 0  # as it is already
    desk.order(LINEAR)
    assert code(desk.post("position/switch-mode", **coin, mode=3)) == 0
    found = {symbol: desk.rows("position/list", category="linear", symbol=symbol) for symbol in ("BTCUSDT", "ETHUSDT")}
    assert {symbol: [r["positionIdx"] for r in rows] for symbol, rows in found.items()} == {
        "BTCUSDT": [0],
        "ETHUSDT": [1, 2],
    }


def test_open_orders_of_a_category_may_be_asked_for_without_a_name(desk: Desk) -> None:
    for who in ALL:
        desk.limit(who, 0.95)
    for who in (SPOT, INVERSE):
        assert [r["symbol"] for r in desk.rows("order/realtime", category=who["category"])] == [who["symbol"]]
    assert code(desk.get("order/realtime", category="linear")) == 10001


def test_an_isolated_position_is_liquidated_where_it_says(desk: Desk) -> None:
    assert code(desk.post("account/set-margin-mode", setMarginMode="ISOLATED_MARGIN")) == 0
    desk.order(LINEAR, qty="0.1")
    before = desk.rows("position/list", **LINEAR)[0]
    assert code(desk.post("position/add-margin", **LINEAR, margin="50")) == 0
    after = desk.rows("position/list", **LINEAR)[0]
    assert Decimal(after["positionBalance"]) - Decimal(before["positionBalance"]) == 50
    lower = Decimal(before["liqPrice"]) - Decimal(after["liqPrice"])
    assert lower == pytest.approx(Decimal(50) / Decimal("0.1") / Decimal("0.995"), abs=Decimal("0.3"))
    assert code(desk.post("position/add-margin", **LINEAR, margin="-60")) != 0
    liquidated = Decimal(after["liqPrice"])
    desk.mark(LINEAR, float((liquidated + 10) / desk.last(LINEAR)))
    assert desk.rows("position/list", **LINEAR)[0]["size"] == "0.100"
    desk.mark(LINEAR, float((liquidated - 10) / desk.last(LINEAR)))
    assert desk.rows("position/list", **LINEAR)[0]["size"] == "0"
    assert desk.rows("execution/list", **LINEAR)[0]["execType"] == "BustTrade"


def test_batches_answer_each_order(desk: Desk) -> None:
    one = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": desk.price(LINEAR, 0.95)}
    answer = desk.post("order/create-batch", category="linear", request=[one, {**one, "side": "?"}, one])
    assert [row["code"] for row in answer["retExtInfo"]["list"]] == [0, 10001, 0]
    assert [bool(row["orderId"]) for row in answer["result"]["list"]] == [True, False, True]
    assert code(desk.post("order/create-batch", category="linear", request=[one] * 21)) == 10001
    assert code(desk.post("order/create-batch", category="spot", request=[one] * 11)) == 10001
    assert code(desk.post("order/create-batch", category="linear", request=[])) == 10001
    first = answer["result"]["list"][0]["orderId"]
    amended = desk.post("order/amend-batch", category="linear", request=[{"symbol": "BTCUSDT", "orderId": first}])
    assert amended["retExtInfo"]["list"][0]["code"] == 10001
    gone = desk.post("order/cancel-batch", category="linear", request=[{"symbol": "BTCUSDT", "orderId": first}] * 2)
    assert [row["code"] for row in gone["retExtInfo"]["list"]] == [0, 110001]


def test_pages_and_windows(desk: Desk) -> None:
    ids = []
    for _ in range(7):
        ids.append(order_id(desk.order(LINEAR)))
        desk.clock.advance_to(desk.clock.now_ms() + 60_000)
        desk.world.advance(desk.clock.now_ms())
    whole = desk.rows("order/history", category="linear", limit=50)
    assert [row["orderId"] for row in whole] == ids[::-1]
    pages, cursor = [], ""
    for _ in range(4):
        answer = desk.get("order/history", category="linear", limit=2, cursor=cursor)["result"]
        pages += answer["list"]
        cursor = answer["nextPageCursor"]
    assert (pages, cursor) == (whole, "")
    start, end = int(whole[4]["createdTime"]), int(whole[2]["createdTime"])
    part = desk.rows("order/history", category="linear", startTime=start, endTime=end)
    assert part == whole[2:5]
    week = 7 * 86_400_000
    assert code(desk.get("order/history", category="linear", startTime=start, endTime=start + week)) == 0
    assert code(desk.get("execution/list", category="linear", startTime=start, endTime=start + week + 1)) == 10001
    assert code(desk.get("order/history", category="linear", limit="x")) == 10001
    assert desk.rows("execution/list", category="linear", orderId=ids[0])[0]["orderId"] == ids[0]
    assert code(desk.get("order/realtime", category="linear")) == 10001


def test_the_log_of_transactions_sums_to_the_wallet() -> None:
    desk = Desk(now_ms=parse_time("2024-01-15T15:59:30Z"))
    for who, side in itertools.product(ALL, ("Buy", "Sell")):
        desk.order(who, side, qty={"linear": "0.05", "spot": "0.02", "inverse": "2000"}[who["category"]])
    desk.order(LINEAR, qty="0.3")
    later = parse_time("2024-01-15T16:00:01Z")  # funding has been paid
    desk.clock.advance_to(later)
    desk.world.advance(later)
    wallet = desk.get("account/wallet-balance", accountType="UNIFIED")["result"]["list"][0]["coin"]
    have = {coin["coin"]: Decimal(coin["walletBalance"]) for coin in wallet}
    rows = desk.rows("account/transaction-log", limit=50)
    assert {row["type"] for row in rows} == {"TRADE", "SETTLEMENT"}
    for coin, began in (("USDT", 100_000), ("BTC", 2)):
        mine = [row for row in rows if row["currency"] == coin]
        assert have[coin] - began == sum(Decimal(row["change"]) for row in mine)
        assert Decimal(mine[0]["cashBalance"]) == have[coin]
        for row in mine:
            funding = Decimal(row["funding"] or 0)
            assert Decimal(row["change"]) == Decimal(row["cashFlow"]) + funding - Decimal(row["fee"])
        for after, before in itertools.pairwise(mine):
            assert Decimal(after["cashBalance"]) - Decimal(before["cashBalance"]) == Decimal(after["change"])
    sides = {(row["side"], row["currency"]) for row in rows if row["category"] == "spot"}
    assert sides == {("Buy", "BTC"), ("Buy", "USDT"), ("Sell", "BTC"), ("Sell", "USDT")}
    assert rows[0]["size"] == "0.300"


def test_signatures_over_the_query_as_sent_or_decoded(desk: Desk) -> None:
    raw = "category=linear&symbol=BTCUSDT&cursor=" + quote("page:0", safe="")
    assert code(desk.raw("GET", "/v5/order/history", raw)) == 0
    assert code(desk.raw("GET", "/v5/order/history", raw, signed=unquote_plus(raw))) == 0
    assert code(desk.raw("GET", "/v5/order/history", raw, signed=raw + "&limit=1")) == 10004
    spaced = '{"category": "linear",  "symbol": "BTCUSDT"}'
    assert code(desk.raw("POST", "/v5/order/cancel-all", spaced)) == 0
    assert code(desk.raw("POST", "/v5/order/cancel-all", spaced, signed=spaced.replace(" ", ""))) == 10004
    assert code(desk.raw("POST", "/v5/order/cancel-all", "[1]")) == 10001
    assert code(desk.raw("GET", "/v5/account/info", "", key="")) == 10003
    assert code(desk.raw("GET", "/v5/account/info", "", key="nobody")) == 10003


@pytest.mark.parametrize(
    ("offset", "window", "expected"),
    [(0, "5000", 0), (-5_000, "5000", 0), (-5_001, "5000", 10002), (999, "5000", 0), (1_000, "5000", 10002)],
)
def test_the_window_of_time(desk: Desk, offset: int, window: str, expected: int) -> None:
    stamp = str(desk.clock.now_ms() + offset)
    answer = desk.raw("GET", "/v5/account/info", "", stamp=stamp, window=window)
    assert code(answer) == expected
    assert expected == 0 or f"req_timestamp[{stamp}]" in answer["retMsg"]


def test_accounts_do_not_see_each_other(desk: Desk) -> None:
    placed = order_id(desk.limit(LINEAR, 0.95, orderLinkId="same"))
    desk.listen("order", member=OTHER)
    assert desk.get("order/realtime", OTHER, **LINEAR)["result"]["list"] == []
    assert code(desk.post("order/cancel", OTHER, **LINEAR, orderId=placed)) == 110001
    assert code(desk.order(LINEAR, member=OTHER, orderLinkId="same")) == 0
    assert {row["orderLinkId"] for row in desk.seen("order")} == {"same"}
    assert placed not in {row["orderId"] for row in desk.seen("order")}


def test_whoever_is_too_fast_waits_a_second() -> None:
    desk = Desk(pace=True)
    codes = [code(desk.limit(LINEAR, 0.9, qty="0.001")) for _ in range(11)]
    assert codes == [0] * 10 + [10006]
    refused = desk.limit(LINEAR, 0.9, qty="0.001")["headers"]
    assert refused["X-Bapi-Limit"] == "10"
    assert int(refused["X-Bapi-Limit-Reset-Timestamp"]) > desk.clock.now_ms()
    desk.clock.advance_to(int(refused["X-Bapi-Limit-Reset-Timestamp"]))
    assert code(desk.limit(LINEAR, 0.9, qty="0.001")) == 0


def test_the_trade_socket_refuses_as_the_venue_does(desk: Desk) -> None:
    told: list[dict[str, Any]] = []
    session = desk.venue.open_socket("/v5/trade", lambda message: told.append(json.loads(message)))
    assert session is not None

    def send(**frame: Any) -> int:
        session.receive(json.dumps(frame))
        return int(told[-1]["retCode"])

    header = {"X-BAPI-TIMESTAMP": desk.clock.now_ms()}
    args = [{**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.01"}]
    assert send(op="order.create", reqId="1", header=header, args=args) == 10005
    until = desk.clock.now_ms() + 10_000
    sign = hmac.new(b"secret", f"GET/realtime{until}".encode(), "sha256").hexdigest()
    assert send(op="auth", args=["key", until, "wrong"]) == 10004
    assert send(op="auth", args=["key", until, sign]) == 0
    assert send(op="auth", args=["key", until, sign]) == 20001
    assert send(op="ping", reqId="p") == 0
    assert told[-1]["op"] == "pong"
    assert send(op="order.create", reqId="1", header=header, args=args) == 0
    assert told[-1]["data"]["orderId"]
    assert send(op="order.create", reqId="1", header=header, args=args) == 20006
    assert send(op="order.dance", reqId="2", header=header, args=args) == 10404
    assert send(op="order.create", reqId="3", header=header, args=[{**args[0], "category": "moon"}]) == 10404
    assert send(op="order.create", reqId="4", header={"X-BAPI-TIMESTAMP": "1"}, args=args) == 10002
    assert send(op="order.create", reqId="5", header=header, args=[]) == 10001
    session.receive("no json")
    assert told[-1]["retCode"] == 10001
