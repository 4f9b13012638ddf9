"""pybit, the venue's own client, over HTTP."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pybit._helpers
import pytest
from bybit_clients import advance
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit_clients import CATEGORIES, CONTRACTS, QTY, SYMBOL, TOO_MUCH, names, price, rows, session_of
from topics import shows

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from pybit.unified_trading import HTTP

    from real_trade.testing.exchange_process import RunningExchange


@shows("bybit pybit", "markets", "klines", "ticker")
@pytest.mark.parametrize("category", CATEGORIES)
def test_market_data(session: HTTP, category: str) -> None:
    who = names(category)
    assert abs(int(session.get_server_time()["result"]["timeSecond"]) - time.time()) < 5
    bars = rows(session.get_kline(**who, interval=5, limit=20))
    assert [int(bar[0]) for bar in bars] == sorted((int(bar[0]) for bar in bars), reverse=True)
    assert rows(session.get_instruments_info(**who))[0]["symbol"] == SYMBOL[category]
    book = session.get_orderbook(**who, limit=10)["result"]
    assert len(book["b"]) == len(book["a"]) == 10
    assert rows(session.get_public_trade_history(**who))
    if category == "spot":
        return
    assert len(rows(session.get_mark_price_kline(**who, interval=1, limit=5))) == 5
    assert len(rows(session.get_index_price_kline(**who, interval=1, limit=5))) == 5
    assert len(rows(session.get_premium_index_price_kline(**who, interval=1, limit=5))) == 5
    assert rows(session.get_funding_rate_history(**who))[0]["symbol"] == SYMBOL[category]
    assert rows(session.get_open_interest(**who, intervalTime="1h"))
    assert rows(session.get_risk_limit(**who))[0]["maxLeverage"] == "100.00"


@shows("bybit pybit", "place, amend, cancel", "duplicate client id", "unknown order")
@pytest.mark.parametrize("category", CATEGORIES)
def test_an_order_s_life(session: HTTP, category: str) -> None:
    who = names(category)
    link = f"py-{session.api_key}-{category}"
    order = {**who, "side": "Buy", "orderType": "Limit", "qty": QTY[category], "orderLinkId": link}
    placed = session.place_order(**order, price=price(session, category, 0.95))["result"]
    assert placed["orderLinkId"] == link
    (open_,) = rows(session.get_open_orders(**who))
    assert (open_["orderId"], open_["orderStatus"], open_["orderLinkId"]) == (placed["orderId"], "New", link)
    with pytest.raises(InvalidRequestError) as twice:
        session.place_order(**order, price=price(session, category, 0.95))
    assert twice.value.status_code == (170141 if category == "spot" else 110072)
    changed = price(session, category, 0.94)
    session.amend_order(**who, orderId=placed["orderId"], price=changed)
    assert float(rows(session.get_open_orders(**who))[0]["price"]) == float(changed)
    assert session.cancel_order(**who, orderLinkId=link)["result"]["orderId"] == placed["orderId"]
    assert rows(session.get_open_orders(**who)) == []
    assert rows(session.get_order_history(**who))[0]["orderStatus"] == "Cancelled"
    assert rows(session.get_open_orders(**who, openOnly=1))[0]["orderId"] == placed["orderId"]
    with pytest.raises(InvalidRequestError) as gone:
        session.cancel_order(**who, orderId=placed["orderId"])
    assert gone.value.status_code == (170213 if category == "spot" else 110001)


@shows("bybit pybit", "place, amend, cancel", "order types", "bad quantity")
@pytest.mark.parametrize("category", CATEGORIES)
def test_batches(session: HTTP, category: str) -> None:
    low = price(session, category, 0.95)
    one = {"symbol": SYMBOL[category], "side": "Buy", "orderType": "Limit", "qty": QTY[category], "price": low}
    answer = session.place_batch_order(category=category, request=[one, {**one, "qty": "-1"}, one])
    assert [code["code"] == 0 for code in answer["retExtInfo"]["list"]] == [True, False, True]
    ids = [row["orderId"] for row in rows(answer)]
    assert ids[1] == ""
    requests = [{"symbol": SYMBOL[category], "orderId": i, "price": price(session, category, 0.94)} for i in ids[::2]]
    session.amend_batch_order(category=category, request=requests)
    for request in requests:
        del request["price"]
    assert len(rows(session.cancel_batch_order(category=category, request=requests))) == 2
    session.place_batch_order(category=category, request=[one, one])
    cancelled = session.cancel_all_orders(**names(category))["result"]
    assert len(cancelled["list"]) == 2
    assert cancelled["success"] == "1"


@shows("bybit pybit", "order types", "my trades")
def test_spot_by_quantity_and_by_cost(session: HTTP) -> None:
    order = {**names("spot"), "orderType": "Market"}
    session.place_order(**order, side="Buy", qty="500")
    assert float(rows(session.get_order_history(**names("spot")))[0]["cumExecValue"]) == pytest.approx(500, rel=0.001)
    session.place_order(**order, side="Buy", qty="0.01", marketUnit="baseCoin")
    session.place_order(**order, side="Sell", qty="0.01")
    sold, *_ = rows(session.get_executions(category="spot"))
    assert (sold["side"], sold["feeCurrency"], sold["execType"]) == ("Sell", "USDT", "Trade")
    session.place_order(**order, side="Sell", qty="300", marketUnit="quoteCoin")
    by_cost, *_ = rows(session.get_order_history(**names("spot")))
    assert float(by_cost["cumExecValue"]) == pytest.approx(300, rel=0.001)
    with pytest.raises(InvalidRequestError) as small:
        session.place_order(**order, side="Buy", qty="1")
    assert small.value.status_code == 170140


@shows("bybit pybit", "order types", "place, amend, cancel")
@pytest.mark.parametrize("category", CATEGORIES)
def test_limit_orders_of_every_force(session: HTTP, category: str) -> None:
    who = {**names(category), "side": "Buy", "qty": QTY[category]}
    low, high = price(session, category, 0.95), price(session, category, 1.02)

    def ends_as(**more: Any) -> tuple[str, float]:
        order_id = session.place_order(**who, **more)["result"]["orderId"]
        row = rows(session.get_open_orders(category=category, orderId=order_id))[0]
        return row["orderStatus"], float(row["cumExecQty"])

    whole = float(QTY[category])
    assert ends_as(orderType="Limit", price=low) == ("New", 0)
    assert ends_as(orderType="Limit", price=low, timeInForce="GTC") == ("New", 0)
    assert ends_as(orderType="Limit", price=low, timeInForce="PostOnly") == ("New", 0)
    assert ends_as(orderType="Limit", price=high, timeInForce="PostOnly") == ("Cancelled", 0)
    for force in ("IOC", "FOK"):
        assert ends_as(orderType="Limit", price=low, timeInForce=force) == ("Cancelled", 0)
        assert ends_as(orderType="Limit", price=high, timeInForce=force) == ("Filled", whole)
    unit = {"marketUnit": "baseCoin"} if category == "spot" else {}
    assert ends_as(orderType="Market", **unit) == ("Filled", whole)
    assert len(rows(session.cancel_all_orders(**names(category)))) == 3


@shows("bybit pybit", "partial fill", "my trades")
@pytest.mark.parametrize("category", CATEGORIES)
def test_an_order_is_filled_in_part(
    bybit_member: Callable[..., dict[str, Any]], standing: RunningExchange, category: str
) -> None:
    advance(standing.info, 60_000)
    session, who = session_of(bybit_member(standing)), names(category)
    asks = session.get_orderbook(**who, limit=2)["result"]["a"]
    there = sum(Decimal(size) for _, size in asks)
    qty, best = there + Decimal(QTY[category]), asks[-1][0]
    placed = session.place_order(**who, side="Buy", orderType="Limit", qty=str(qty), price=best)["result"]
    (part,) = rows(session.get_open_orders(**who))
    assert (part["orderStatus"], Decimal(part["cumExecQty"])) == ("PartiallyFilled", there)
    assert Decimal(part["leavesQty"]) == Decimal(QTY[category])
    fills = rows(session.get_executions(**who))
    assert {fill["orderId"] for fill in fills} == {placed["orderId"]}
    assert {fill["execPrice"] for fill in fills} == {level for level, _ in asks}
    assert sum(Decimal(fill["execQty"]) for fill in fills) == there
    session.amend_order(**who, orderId=placed["orderId"], qty=str(qty + Decimal(QTY[category])))
    assert Decimal(rows(session.get_open_orders(**who))[0]["leavesQty"]) == 2 * Decimal(QTY[category])
    session.cancel_order(**who, orderId=placed["orderId"])
    ended = rows(session.get_order_history(**who))[0]
    assert ended["orderStatus"] == ("PartiallyFilledCanceled" if category == "spot" else "Cancelled")
    assert Decimal(ended["cumExecQty"]) == there
    session.client.close()


@shows("bybit pybit", "positions", "leverage", "order types")
@pytest.mark.parametrize("category", CONTRACTS)
def test_positions_and_their_protection(session: HTTP, category: str) -> None:
    who = names(category)
    order = {**who, "orderType": "Market", "qty": QTY[category]}
    session.place_order(
        **order, side="Buy", takeProfit=price(session, category, 1.03), stopLoss=price(session, category, 0.97)
    )
    (held,) = rows(session.get_positions(**who))
    assert (held["side"], float(held["size"])) == ("Buy", float(QTY[category]))
    assert {o["stopOrderType"] for o in rows(session.get_open_orders(**who))} == {"TakeProfit", "StopLoss"}
    session.set_trading_stop(**who, trailingStop="400", takeProfit="0", positionIdx=0)
    assert {o["stopOrderType"] for o in rows(session.get_open_orders(**who))} == {"TrailingStop", "StopLoss"}
    session.set_trading_stop(**who, trailingStop="300", activePrice=price(session, category, 1.02), positionIdx=0)
    kinds = {o["stopOrderType"]: o["orderStatus"] for o in rows(session.get_open_orders(**who))}
    assert kinds == {"TrailingStop": "Untriggered", "StopLoss": "Untriggered"}
    assert float(rows(session.get_positions(**who))[0]["trailingStop"]) == 300
    partial = price(session, category, 1.05)
    session.set_trading_stop(**who, tpslMode="Partial", takeProfit=partial, tpSize=QTY[category], positionIdx=0)
    kinds = {o["stopOrderType"]: o["triggerPrice"] for o in rows(session.get_open_orders(**who))}
    assert float(kinds["PartialTakeProfit"]) == float(partial)
    with pytest.raises(InvalidRequestError) as unchanged:
        session.set_leverage(**who, buyLeverage="10", sellLeverage="10")
    assert unchanged.value.status_code == 110043
    session.set_leverage(**who, buyLeverage="20", sellLeverage="20")
    assert rows(session.get_positions(**who))[0]["leverage"] == "20"
    session.place_order(**{**order, "qty": "0"}, side="Sell", reduceOnly=True, closeOnTrigger=True)
    assert rows(session.get_open_orders(**who)) == []
    assert rows(session.get_positions(category=category, settleCoin="USDT" if category == "linear" else "BTC")) == []
    (closed,) = rows(session.get_closed_pnl(**who))
    assert float(closed["closedSize"]) == float(QTY[category])
    with pytest.raises(InvalidRequestError) as flat:
        session.set_trading_stop(**who, takeProfit=price(session, category, 1.03), positionIdx=0)
    assert flat.value.status_code == 10001


@shows("bybit pybit", "order types")
def test_conditional_orders(session: HTTP) -> None:
    order = {**names("linear"), "side": "Buy", "orderType": "Market", "qty": "0.01"}
    above = price(session, "linear", 1.04)
    placed = session.place_order(**order, triggerPrice=above, triggerDirection=1)["result"]
    (waiting,) = rows(session.get_open_orders(**names("linear"), orderFilter="StopOrder"))
    assert (waiting["orderId"], waiting["orderStatus"]) == (placed["orderId"], "Untriggered")
    with pytest.raises(InvalidRequestError) as wrong:
        session.place_order(**order, triggerPrice=above, triggerDirection=2)
    assert wrong.value.status_code == 110093
    for _ in range(9):
        session.place_order(**order, triggerPrice=above, triggerDirection=1)
    with pytest.raises(InvalidRequestError) as many:
        session.place_order(**order, triggerPrice=above, triggerDirection=1)
    assert many.value.status_code == 110009


@shows("bybit pybit", "order types", "place, amend, cancel")
@pytest.mark.parametrize("category", CATEGORIES)
def test_conditional_orders_are_amended(session: HTTP, category: str) -> None:
    watched = ["LastPrice"] if category == "spot" else ["LastPrice", "MarkPrice", "IndexPrice"]
    for by in watched:
        for direction, first, second in ((1, 1.04, 1.05), (2, 0.96, 0.95)):
            low, high = price(session, category, first), price(session, category, second)
            order = {**names(category), "side": "Sell", "orderType": "Limit", "qty": QTY[category]}
            more: dict[str, Any] = {"triggerDirection": direction, "triggerBy": by}
            if category == "spot":
                more = {"orderFilter": "StopOrder"}
            placed = session.place_order(**order, price=low, triggerPrice=low, **more)["result"]
            session.amend_order(**names(category), orderId=placed["orderId"], price=high, triggerPrice=high)
            (found,) = rows(session.get_open_orders(**names(category), orderFilter="StopOrder"))
            assert (float(found["triggerPrice"]), float(found["price"])) == (float(high), float(high))
            assert category == "spot" or (found["triggerDirection"], found["triggerBy"]) == (direction, by)
            session.cancel_order(**names(category), orderId=placed["orderId"])
    assert rows(session.get_open_orders(**names(category))) == []


@shows("bybit pybit", "order types", "place, amend, cancel")
@pytest.mark.parametrize("category", CONTRACTS)
def test_attached_stops_in_parts(session: HTTP, category: str) -> None:
    who, size = names(category), QTY[category]
    limit = price(session, category, 1.03)
    stops = {
        "tpslMode": "Partial",
        "takeProfit": price(session, category, 1.02),
        "tpOrderType": "Limit",
        "tpLimitPrice": limit,
        "stopLoss": price(session, category, 0.9),
    }
    order = {**who, "side": "Buy", "orderType": "Limit", "qty": size, "price": price(session, category, 0.95)}
    placed = session.place_order(**order, **stops)["result"]
    session.amend_order(**who, orderId=placed["orderId"], stopLoss=price(session, category, 0.92))
    session.amend_order(**who, orderId=placed["orderId"], price=price(session, category, 1.01))
    guards = {row["stopOrderType"]: row for row in rows(session.get_open_orders(**who))}
    assert set(guards) == {"PartialTakeProfit", "PartialStopLoss"}
    assert float(guards["PartialTakeProfit"]["price"]) == float(limit)
    assert {float(guard["qty"]) for guard in guards.values()} == {float(size)}
    # What guards is an order too: it is amended and cancelled as one.
    moved = price(session, category, 0.93)
    session.amend_order(**who, orderId=guards["PartialStopLoss"]["orderId"], triggerPrice=moved)
    session.cancel_order(**who, orderId=guards["PartialTakeProfit"]["orderId"])
    (left,) = rows(session.get_open_orders(**who))
    assert (left["stopOrderType"], float(left["triggerPrice"])) == ("PartialStopLoss", float(moved))


@shows("bybit pybit", "order types")
def test_attached_stops_on_spot(session: HTTP) -> None:
    who = names("spot")
    stops = {"takeProfit": price(session, "spot", 1.03), "stopLoss": price(session, "spot", 0.96)}
    kinds = {"tpOrderType": "Market", "slOrderType": "Market"}
    high = price(session, "spot", 1.01)
    session.place_order(**who, side="Buy", orderType="Limit", qty="0.01", price=high, **stops, **kinds)
    guards = rows(session.get_open_orders(**who, orderFilter="tpslOrder"))
    assert {float(row["triggerPrice"]) for row in guards} == {float(stop) for stop in stops.values()}
    session.cancel_order(**who, orderId=guards[0]["orderId"], orderFilter="tpslOrder")
    assert len(rows(session.get_open_orders(**who, orderFilter="tpslOrder"))) < 2


@shows("bybit pybit", "balance", "positions")
def test_modes_and_account(session: HTTP) -> None:
    who = {"category": "linear", "symbol": "BTCUSDT"}
    session.switch_position_mode(category="linear", coin="USDT", mode=3)
    session.place_order(**who, side="Buy", orderType="Market", qty="0.01", positionIdx=1)
    session.place_order(**who, side="Sell", orderType="Market", qty="0.01", positionIdx=2)
    assert [row["positionIdx"] for row in rows(session.get_positions(**who))] == [1, 2]
    with pytest.raises(InvalidRequestError) as held:
        session.switch_position_mode(**who, mode=0)
    assert held.value.status_code == 110024
    wallet = rows(session.get_wallet_balance(accountType="UNIFIED", coin="USDT"))[0]
    assert [coin["coin"] for coin in wallet["coin"]] == ["USDT"]
    assert session.get_account_info()["result"]["unifiedMarginStatus"] == 5
    assert rows(session.get_fee_rates(category="linear", symbol="BTCUSDT"))[0]["takerFeeRate"] == "0.00055"
    changes = rows(session.get_transaction_log(currency="USDT"))
    total = sum(float(row["change"]) for row in changes)
    assert total == pytest.approx(float(wallet["coin"][0]["walletBalance"]) - 100_000, abs=1e-6)
    session.place_order(**who, side="Sell", orderType="Market", qty="0.01", positionIdx=1, reduceOnly=True)
    session.place_order(**who, side="Buy", orderType="Market", qty="0.01", positionIdx=2, reduceOnly=True)
    session.set_margin_mode(setMarginMode="ISOLATED_MARGIN")
    assert session.get_account_info()["result"]["marginMode"] == "ISOLATED_MARGIN"


def test_pages_follow_their_cursor(session: HTTP) -> None:
    for _ in range(7):
        session.place_order(**names("spot"), side="Buy", orderType="Market", qty="50")
    whole = rows(session.get_order_history(category="spot", limit=50))
    parts, cursor = [], ""
    while len(parts) < 20:
        answer = session.get_order_history(category="spot", limit=3, **({"cursor": cursor} if cursor else {}))
        parts += rows(answer)
        cursor = answer["result"]["nextPageCursor"]
        if not cursor:
            break
    assert parts == whole
    assert len(whole) == 7


# What is wrong -> the venue's code, of spot and of contracts.
REFUSALS: list[tuple[dict[str, str], int, int]] = [
    ({"price": "-1"}, 170133, 110003),
    ({"price": "99999999"}, 170132, 110003),
    ({"qty": "0"}, 170136, 10001),
    ({"qty": "0.00000001"}, 170137, 10001),
    ({"qty": "100000000000"}, 170135, 10001),
    ({"side": "Hold"}, 10001, 10001),
    ({"orderType": "Iceberg"}, 10001, 10001),
    ({"symbol": "NOPEUSDT"}, 170121, 10001),
]


@shows("bybit pybit", "insufficient funds", "bad price", "bad quantity", "unknown order")
@pytest.mark.parametrize("category", CATEGORIES)
def test_refusals(session: HTTP, category: str) -> None:
    order = {**names(category), "side": "Buy", "orderType": "Limit", "qty": QTY[category]}
    order["price"] = price(session, category, 0.95)

    def refused(call: Callable[..., Any], params: dict[str, Any]) -> int:
        with pytest.raises(InvalidRequestError) as raised:
            call(**params)
        return raised.value.status_code

    spot = category == "spot"
    assert refused(session.place_order, {**order, "qty": TOO_MUCH[category]}) == (170131 if spot else 110007)
    for wrong, of_spot, of_contracts in REFUSALS:
        assert refused(session.place_order, {**order, **wrong}) == (of_spot if spot else of_contracts), wrong
    unknown = {**names(category), "orderId": "1700007000000099999"}
    for call in (session.cancel_order, session.amend_order):
        assert refused(call, {**unknown, "qty": QTY[category]}) == (170213 if spot else 110001)
    assert rows(session.get_open_orders(**names(category))) == []


@shows("bybit pybit", "wrong key", "stale timestamp")
def test_strangers_and_late_requests(info: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, code in (({"api_key": "nobody"}, 10003), ({"api_secret": "wrong"}, 10004)):
        with pytest.raises(InvalidRequestError) as stranger:
            session_of({**info, **wrong}).get_account_info()
        assert stranger.value.status_code == code
    late = session_of(info, retry_codes={1}, retry_delay=0)
    monkeypatch.setattr(pybit._helpers, "generate_timestamp", lambda: int(time.time() * 1e3) - 9_000)
    with pytest.raises(InvalidRequestError) as refused:
        late.get_account_info()
    assert refused.value.status_code == 10002
    # By itself it tries again with a longer window, and gets through.
    patient = session_of(info, retry_delay=0)
    assert patient.get_account_info()["retCode"] == 0


@shows("bybit pybit", "too many requests")
def test_who_is_too_fast(paced: RunningExchange) -> None:
    low = price(session_of(paced.info), "linear", 0.9)
    order = {**names("linear"), "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": low}
    impatient, patient = session_of(paced.info, retry_codes={1}), session_of(paced.info)
    with pytest.raises(InvalidRequestError) as fast:
        [impatient.place_order(**order) for _ in range(40)]
    assert fast.value.status_code == 10006
    # By itself it sleeps until the limit is reset, and gets through.
    asked = len(paced.log)
    assert patient.place_order(**order)["retCode"] == 0
    assert [line["code"] for line in paced.log[asked:]] == [10006, 0]
    for each in (impatient, patient):
        each.client.close()


@shows("bybit pybit", "too many requests")
def test_an_address_that_is_too_fast_is_shut_out() -> None:
    with running_exchange("bybit", seed=7, rate_limits="20/5", ban_seconds=60) as exchange:
        hurried = session_of(exchange.info)
        with pytest.raises(FailedRequestError, match="ip rate limit") as shut:
            [hurried.get_server_time() for _ in range(21)]
        assert shut.value.status_code == 403
        hurried.client.close()
