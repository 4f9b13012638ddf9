"""ccxt's clients place, change and cancel every type of order at Bybit's side as at the venue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ccxt
import pytest
from bybit_clients import AMOUNT, INVERSE, LINEAR, SPOT, SWAPS, SYMBOLS, advance, at, ccxt_shows, last, order, position

if TYPE_CHECKING:
    from real_trade.testing.exchange_process import RunningExchange


@ccxt_shows("place, amend, cancel")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_limit_order_lives_is_amended_and_cancelled(client: Any, symbol: str) -> None:
    amount = AMOUNT[symbol]
    placed = client.create_order(symbol, "limit", "buy", amount, at(client, symbol, 0.97))
    open_ = client.fetch_open_orders(symbol)
    assert [(o["id"], o["status"], o["amount"], o["filled"]) for o in open_] == [(placed["id"], "open", amount, 0.0)]
    used = client.fetch_balance()["BTC" if symbol == INVERSE else "USDT"]["used"]
    assert used > 0
    price = at(client, symbol, 0.96)
    client.edit_order(placed["id"], symbol, "limit", "buy", 2 * amount, price)
    changed = client.fetch_open_orders(symbol)[0]
    assert (changed["price"], changed["amount"], changed["id"]) == (price, 2 * amount, placed["id"])
    assert client.cancel_order(placed["id"], symbol)["id"] == placed["id"]
    assert client.fetch_open_orders(symbol) == []
    gone = order(client, placed, symbol)
    assert (gone["status"], gone["filled"]) == ("canceled", 0.0)
    assert client.fetch_canceled_orders(symbol)[-1]["id"] == placed["id"]
    assert client.fetch_balance()["BTC" if symbol == INVERSE else "USDT"]["used"] == 0
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order(placed["id"], symbol)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_cancel_all(client: Any, symbol: str) -> None:
    ids = {client.create_order(symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 0.95))["id"] for _ in "abc"}
    assert {o["id"] for o in client.cancel_all_orders(symbol)} == ids
    assert client.fetch_open_orders(symbol) == []


@ccxt_shows("duplicate client id")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_client_order_id_is_kept_and_never_taken_twice(client: Any, symbol: str) -> None:
    name = f"mine-{client.apiKey}-{SYMBOLS.index(symbol)}"
    args = (symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 0.95), {"clientOrderId": name})
    placed = client.create_order(*args)
    assert placed["clientOrderId"] == name
    assert client.fetch_open_orders(symbol)[0]["clientOrderId"] == name
    with pytest.raises(ccxt.InvalidOrder, match=r"OrderLinkedID is duplicate|Duplicate clientOrderId"):
        client.create_order(*args)
    client.cancel_order(None, symbol, {"orderLinkId": name})
    with pytest.raises(ccxt.InvalidOrder):
        client.create_order(*args)
    with pytest.raises(ccxt.BadRequest):
        client.create_order(*args[:5], {"clientOrderId": "with space"})


@ccxt_shows("order types", "my trades")
def test_market_order_on_spot_by_quantity_and_by_cost(client: Any) -> None:
    bought = order(client, client.create_order(SPOT, "market", "buy", 0.01, last(client, SPOT)), SPOT)
    assert bought["status"] in {"closed", "canceled"}  # what the cost does not reach is taken back
    assert bought["filled"] == pytest.approx(0.01, rel=0.01)
    costly = client.create_market_buy_order_with_cost(SPOT, 500.0)
    assert order(client, costly, SPOT)["cost"] == pytest.approx(500.0, rel=0.001)
    by_base = client.create_order(SPOT, "market", "buy", 0.02, None, {"marketUnit": "baseCoin", "cost": None})
    assert order(client, by_base, SPOT)["filled"] == 0.02
    sold = order(client, client.create_order(SPOT, "market", "sell", 0.01), SPOT)
    assert (sold["status"], sold["filled"]) == ("closed", 0.01)
    trades = client.fetch_my_trades(SPOT)
    assert trades[-1]["order"] == sold["id"]
    fees = {trade["side"]: trade["fee"]["currency"] for trade in trades}
    assert fees == {"buy": "BTC", "sell": "USDT"}
    assert trades[-1]["fee"]["cost"] == pytest.approx(trades[-1]["cost"] * 0.001)


@ccxt_shows("order types", "positions", "my trades")
@pytest.mark.parametrize("symbol", SWAPS)
def test_market_order_opens_and_reduce_only_closes(client: Any, symbol: str) -> None:
    amount = AMOUNT[symbol]
    opened = order(client, client.create_order(symbol, "market", "buy", amount), symbol)
    assert (opened["status"], opened["filled"], opened["remaining"]) == ("closed", amount, 0.0)
    held = position(client, symbol)
    assert (held["side"], held["contracts"], held["leverage"]) == ("long", amount, 10.0)
    assert held["entryPrice"] == pytest.approx(opened["average"], rel=1e-6)
    assert client.fetch_position(symbol)["contracts"] == amount
    assert len(client.fetch_positions(None, {"subType": "linear" if symbol == LINEAR else "inverse"})) == 1
    closed = client.create_order(symbol, "market", "sell", 2 * amount, None, {"reduceOnly": True})
    assert order(client, closed, symbol)["filled"] == amount
    assert position(client, symbol)["contracts"] == 0
    with pytest.raises(ccxt.InvalidOrder):
        client.create_order(symbol, "market", "sell", amount, None, {"reduceOnly": True})
    trades = client.fetch_my_trades(symbol)
    assert {trade["order"] for trade in trades} == {opened["id"], closed["id"]}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(2 * amount)
    assert [o["id"] for o in client.fetch_closed_orders(symbol)] == [opened["id"], closed["id"]]
    profit = client.fetch_positions_history([symbol])[0]
    balance = client.fetch_balance()
    coin, before = ("USDT", 100_000) if symbol == LINEAR else ("BTC", 2)
    entry = client.fetch_ledger(coin)
    assert sum(float(e["info"]["change"]) for e in entry) == pytest.approx(balance[coin]["total"] - before, abs=1e-7)
    assert profit["symbol"] == symbol


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SWAPS)
def test_close_position_without_a_quantity(client: Any, symbol: str) -> None:
    client.create_order(symbol, "market", "sell", AMOUNT[symbol])
    assert position(client, symbol)["side"] == "short"
    client.create_order(symbol, "market", "buy", 0, None, {"reduceOnly": True, "closeOnTrigger": True, "qty": "0"})
    assert position(client, symbol)["contracts"] == 0


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_post_only_rests_or_is_cancelled(client: Any, symbol: str) -> None:
    rests = client.create_order(symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 0.97), {"postOnly": True})
    assert order(client, rests, symbol)["status"] == "open"
    crosses = client.create_order(symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 1.01), {"postOnly": True})
    ended = order(client, crosses, symbol)
    assert (ended["status"], ended["info"]["rejectReason"]) == ("canceled", "EC_PostOnlyWillTakeLiquidity")


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_immediate_orders(still: Any, standing: RunningExchange, symbol: str) -> None:
    advance(standing.info, 60_000)  # the levels that others took are filled up again
    amount = AMOUNT[symbol]

    def ends_as(force: str, quantity: float, price: float) -> tuple[str, float]:
        placed = still.create_order(symbol, "limit", "buy", quantity, price, {"timeInForce": force})
        ended = order(still, placed, symbol)
        return ended["info"]["orderStatus"], ended["filled"]

    away, near = at(still, symbol, 0.9), at(still, symbol, 1.01)
    assert ends_as("IOC", amount, away) == ends_as("FOK", amount, away) == ("Cancelled", 0.0)
    best, size = still.fetch_order_book(symbol, 1)["asks"][0]
    # More than the best level has: all or nothing gets nothing, and otherwise what is there is taken at once.
    more = round(size + amount, 6)
    assert ends_as("FOK", more, best) == ("Cancelled", 0.0)
    part = "PartiallyFilledCanceled" if symbol == SPOT else "Cancelled"
    assert ends_as("IOC", more, best) == (part, pytest.approx(size))
    assert ends_as("FOK", amount, near) == ends_as("IOC", amount, near) == ("Filled", amount)
    assert still.fetch_open_orders(symbol) == []


@ccxt_shows("partial fill", "my trades")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_an_order_is_filled_in_part_and_its_rest_waits(still: Any, standing: RunningExchange, symbol: str) -> None:
    advance(standing.info, 60_000)
    levels = still.fetch_order_book(symbol, 2)["asks"]
    best, there = levels[-1][0], sum(size for _, size in levels)
    placed = still.create_order(symbol, "limit", "buy", round(there + AMOUNT[symbol], 6), best)
    found = order(still, placed, symbol)
    assert (found["status"], found["info"]["orderStatus"]) == ("open", "PartiallyFilled")
    assert found["filled"] == pytest.approx(there)
    assert found["remaining"] == pytest.approx(AMOUNT[symbol])
    assert still.fetch_order_book(symbol, 1)["bids"][0] == [best, pytest.approx(AMOUNT[symbol])]
    trades = still.fetch_order_trades(placed["id"], symbol)
    paid = {price: sum(t["amount"] for t in trades if t["price"] == price) for price, _ in levels}
    assert paid == {price: pytest.approx(size) for price, size in levels}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(there)
    assert {trade["takerOrMaker"] for trade in trades} == {"taker"}
    still.edit_order(placed["id"], symbol, "limit", "buy", round(there + 2 * AMOUNT[symbol], 6))
    assert order(still, placed, symbol)["remaining"] == pytest.approx(2 * AMOUNT[symbol])
    still.cancel_order(placed["id"], symbol)
    ended = order(still, placed, symbol)
    # What the venue calls partially filled and cancelled is closed to ccxt.
    words = ("closed", "PartiallyFilledCanceled") if symbol == SPOT else ("canceled", "Cancelled")
    assert (ended["status"], ended["info"]["orderStatus"]) == words
    assert ended["filled"] == pytest.approx(there)


@ccxt_shows("place, amend, cancel", "order types")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_many_at_once(client: Any, symbol: str) -> None:
    price, amount = at(client, symbol, 0.95), AMOUNT[symbol]
    one = {"symbol": symbol, "type": "limit", "side": "buy", "amount": amount, "price": price}
    placed = client.create_orders([one, {**one, "params": {"postOnly": True}}, {**one, "params": {"qty": "-1"}}])
    ids = [each["id"] for each in placed[:2]]
    assert placed[2]["status"] == "rejected"
    found = {each["id"]: each["postOnly"] for each in client.fetch_open_orders(symbol)}
    assert found == dict(zip(ids, (False, True), strict=True))
    client.edit_orders([{**one, "id": each, "amount": 2 * amount} for each in ids])
    assert [each["amount"] for each in client.fetch_open_orders(symbol)] == [2 * amount] * 2
    if symbol == INVERSE:
        with pytest.raises(ccxt.NotSupported):  # by ccxt itself
            client.cancel_orders(ids, symbol)
        client.cancel_all_orders(symbol)
    else:
        assert [each["id"] for each in client.cancel_orders(ids, symbol)] == ids
    assert client.fetch_open_orders(symbol) == []


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("type_", ["market", "limit"])
def test_conditional_orders_wait(client: Any, symbol: str, type_: str) -> None:
    above = at(client, symbol, 1.05)
    price = above if type_ == "limit" else None
    if symbol == SPOT:
        stop = client.create_order(symbol, type_, "buy", AMOUNT[symbol], price or above, {"triggerPrice": above})
    else:
        params = {"triggerPrice": above, "triggerDirection": "ascending"}
        stop = client.create_order(symbol, type_, "buy", AMOUNT[symbol], price, params)
    waiting = client.fetch_open_orders(symbol, None, None, {"trigger": True})
    assert [(o["id"], o["triggerPrice"], o["info"]["orderStatus"]) for o in waiting] == [
        (stop["id"], above, "Untriggered")
    ]
    assert client.fetch_balance()["BTC" if symbol == INVERSE else "USDT"]["used"] == 0
    client.cancel_order(stop["id"], symbol, {"trigger": True})
    assert client.fetch_open_orders(symbol, None, None, {"trigger": True}) == []


@ccxt_shows("place, amend, cancel", "order types")
@pytest.mark.parametrize("symbol", SWAPS)
@pytest.mark.parametrize("by", ["LastPrice", "MarkPrice", "IndexPrice"])
def test_a_conditional_order_watches_a_price_and_is_amended(client: Any, symbol: str, by: str) -> None:
    for direction, factors in (("ascending", (1.05, 1.06)), ("descending", (0.95, 0.94))):
        first, second = (at(client, symbol, factor) for factor in factors)
        params = {"triggerPrice": first, "triggerDirection": direction, "triggerBy": by}
        placed = client.create_order(symbol, "limit", "sell", AMOUNT[symbol], first, params)
        changes = {"triggerPrice": second, "triggerBy": by}
        client.edit_order(placed["id"], symbol, "limit", "sell", 2 * AMOUNT[symbol], second, changes)
        (found,) = client.fetch_open_orders(symbol, None, None, {"trigger": True})
        assert (found["id"], found["triggerPrice"], found["price"]) == (placed["id"], second, second)
        assert (found["amount"], found["info"]["triggerBy"]) == (2 * AMOUNT[symbol], by)
        assert found["info"]["triggerDirection"] == (1 if direction == "ascending" else 2)
        # Already there: it would go off at once.
        wrong = {**params, "triggerPrice": at(client, symbol, 2 - factors[0])}
        with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest), match=r"11009[23]"):
            client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, wrong)
        client.cancel_order(placed["id"], symbol, {"trigger": True})
        assert order(client, placed, symbol)["info"]["orderStatus"] == "Deactivated"


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("type_", ["market", "limit"])
def test_a_conditional_order_goes_off(still: Any, standing: RunningExchange, symbol: str, type_: str) -> None:
    advance(standing.info, 60_000)
    levels = still.fetch_order_book(symbol, 8)["asks"]
    trigger, price = levels[2][0], levels[7][0]
    params: dict[str, Any] = {"triggerPrice": trigger}
    if symbol != SPOT:
        params["triggerDirection"] = "ascending"
    elif type_ == "market":
        params |= {"marketUnit": "baseCoin", "cost": None}
    limit = price if type_ == "limit" else None
    waiting = still.create_order(symbol, type_, "buy", AMOUNT[symbol], limit, params)
    assert order(still, waiting, symbol)["info"]["orderStatus"] == "Untriggered"
    # Whoever takes the first levels moves the price up to the trigger.
    taken = round(sum(size for _, size in levels[:3]), 6)
    still.create_order(symbol, "limit", "buy", taken, trigger, {"timeInForce": "IOC"})
    done = order(still, waiting, symbol)
    assert (done["status"], done["filled"]) == ("closed", AMOUNT[symbol])
    assert done["average"] >= trigger
    assert still.fetch_open_orders(symbol, None, None, {"trigger": True}) == []


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SWAPS)
def test_stop_and_take_profit_orders_of_a_position(client: Any, symbol: str) -> None:
    client.create_order(symbol, "market", "buy", AMOUNT[symbol])
    for name, factor in (("stopLossPrice", 0.95), ("takeProfitPrice", 1.05)):
        client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, {name: at(client, symbol, factor)})
    waiting = client.fetch_open_orders(symbol, None, None, {"trigger": True})
    assert len(waiting) == 2
    assert all(o["side"] == "sell" and o["reduceOnly"] for o in waiting)


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SWAPS)
def test_attached_stops_full(client: Any, symbol: str) -> None:
    stops = {
        "takeProfit": {"triggerPrice": at(client, symbol, 1.02)},
        "stopLoss": {"triggerPrice": at(client, symbol, 0.98)},
    }
    client.create_order(symbol, "market", "buy", AMOUNT[symbol], None, stops)
    guards = client.fetch_open_orders(symbol)
    assert {o["info"]["stopOrderType"]: o["triggerPrice"] for o in guards} == {
        "TakeProfit": stops["takeProfit"]["triggerPrice"],
        "StopLoss": stops["stopLoss"]["triggerPrice"],
    }
    held = position(client, symbol)
    assert held["takeProfitPrice"] == stops["takeProfit"]["triggerPrice"]
    assert held["stopLossPrice"] == stops["stopLoss"]["triggerPrice"]
    client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, {"reduceOnly": True})
    assert client.fetch_open_orders(symbol) == []
    ended = client.fetch_canceled_orders(symbol, None, None, {"orderStatus": "Deactivated"})
    assert {o["info"]["cancelType"] for o in ended} == {"CancelByTpSlTsClear"}


@ccxt_shows("order types")
@pytest.mark.parametrize("symbol", SWAPS)
def test_attached_stops_partial(client: Any, symbol: str) -> None:
    limit = at(client, symbol, 1.03)
    stops = {
        "tpslMode": "Partial",
        "takeProfit": {"triggerPrice": at(client, symbol, 1.02), "price": limit, "type": "limit"},
        "stopLoss": {"triggerPrice": at(client, symbol, 0.98)},
    }
    client.create_order(symbol, "market", "buy", AMOUNT[symbol], None, stops)
    guards = {o["info"]["stopOrderType"]: o for o in client.fetch_open_orders(symbol)}
    assert set(guards) == {"PartialTakeProfit", "PartialStopLoss"}
    assert guards["PartialTakeProfit"]["price"] == limit
    assert guards["PartialStopLoss"]["amount"] == AMOUNT[symbol]


@ccxt_shows("place, amend, cancel", "order types")
@pytest.mark.parametrize("symbol", SWAPS)
def test_attached_stops_are_amended_while_their_order_waits(client: Any, symbol: str) -> None:
    price = at(client, symbol, 0.95)
    stops = {
        "takeProfit": {"triggerPrice": at(client, symbol, 1.02)},
        "stopLoss": {"triggerPrice": at(client, symbol, 0.9)},
    }
    placed = client.create_order(symbol, "limit", "buy", AMOUNT[symbol], price, stops)
    profit, loss = at(client, symbol, 1.04), at(client, symbol, 0.8)
    # Plain numbers: of an object ccxt would send the object itself beside the price that it takes from it.
    changes = {"takeProfit": str(profit), "stopLoss": str(loss)}
    client.edit_order(placed["id"], symbol, "limit", "buy", None, None, changes)
    (found,) = client.fetch_open_orders(symbol)
    assert (found["takeProfitPrice"], found["stopLossPrice"], found["price"]) == (profit, loss, price)
    client.edit_order(placed["id"], symbol, "limit", "buy", None, at(client, symbol, 1.01))
    assert order(client, placed, symbol)["filled"] == AMOUNT[symbol]
    held = position(client, symbol)
    assert (held["takeProfitPrice"], held["stopLossPrice"]) == (profit, loss)


@ccxt_shows("order types")
def test_attached_stops_of_a_spot_order(client: Any) -> None:
    price = last(client, SPOT)
    stops = {
        "takeProfit": {"triggerPrice": round(price * 1.03, 2)},
        "stopLoss": {"triggerPrice": round(price * 0.96, 2)},
    }
    client.create_order(SPOT, "limit", "buy", 0.01, round(price * 1.01, 2), stops)
    guards = client.fetch_open_orders(SPOT, None, None, {"orderFilter": "tpslOrder"})
    assert {o["triggerPrice"] for o in guards} == {s["triggerPrice"] for s in stops.values()}
    assert {o["side"] for o in guards} == {"sell"}


@ccxt_shows("place, amend, cancel", "order types")
@pytest.mark.parametrize("symbol", SWAPS)
def test_trailing_stop(client: Any, symbol: str) -> None:
    client.create_order(symbol, "market", "buy", AMOUNT[symbol])
    for amount in (500, 400):  # the second one takes the place of the first
        client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, {"trailingAmount": amount})
        (trailing,) = client.fetch_open_orders(symbol)
        assert trailing["info"]["stopOrderType"] == "TrailingStop"
        assert last(client, symbol) * 0.9 < trailing["triggerPrice"] < last(client, symbol)
        assert float(position(client, symbol)["info"]["trailingStop"]) == amount
    client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, {"trailingAmount": "0"})
    assert client.fetch_open_orders(symbol) == []
    begins = at(client, symbol, 1.02)
    later = {"trailingAmount": 300, "trailingTriggerPrice": begins}
    client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, later)
    (waiting,) = client.fetch_open_orders(symbol)
    assert waiting["triggerPrice"] is None  # it follows nothing yet
    client.cancel_order(waiting["id"], symbol)
    assert client.fetch_open_orders(symbol) == []
