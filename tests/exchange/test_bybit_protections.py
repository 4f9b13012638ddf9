"""What Bybit does for accounts unasked: keeps orders near the market, and takes them back when a client is gone."""

from __future__ import annotations

import hmac
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from bybit_desk import ALL, INVERSE, LINEAR, MEMBER, OTHER, SPOT, Desk, code, order_id

if TYPE_CHECKING:
    from real_trade.exchange.members import Member


@pytest.fixture
def desk() -> Desk:
    return Desk()


def limits(desk: Desk, who: dict[str, str]) -> tuple[Decimal, Decimal]:
    found = desk.get("market/price-limit", **who)["result"]
    return Decimal(found["buyLmt"]), Decimal(found["sellLmt"])


@pytest.mark.parametrize("who", ALL, ids=lambda who: who["category"])
def test_orders_too_far_from_the_market_are_brought_nearer_or_refused(desk: Desk, who: dict[str, str]) -> None:
    spot = who is SPOT
    for side, factor, refused in (("Buy", 1.1, 170193), ("Sell", 0.9, 170194)):
        limit = limits(desk, who)[side == "Sell"]
        for moves in (not spot, spot):
            answer = desk.limit(who, factor, side, timeInForce="IOC")
            if moves:
                assert Decimal(desk.rows("order/history", **who, orderId=order_id(answer))[0]["price"]) == limit
            else:
                assert code(answer) == (refused if spot else 110003)
            chosen = desk.post("account/set-limit-px-action", category=who["category"], modifyEnable=not moves)
            assert code(chosen) == 0
        # Far on the other side it only waits.
        waits = desk.limit(who, 0.8 if side == "Buy" else 1.2, side)
        assert desk.rows("order/realtime", **who, orderId=order_id(waits))[0]["orderStatus"] == "New"
    assert code(desk.post("account/set-limit-px-action", category="option", modifyEnable=True)) == 10001
    assert code(desk.post("account/set-limit-px-action", category="spot", modifyEnable="perhaps")) == 10001


def test_amended_prices_are_kept_near_and_those_of_waiting_orders_are_not(desk: Desk) -> None:
    rests = order_id(desk.limit(LINEAR, 0.97))
    desk.post("order/amend", **LINEAR, orderId=rests, price=desk.price(LINEAR, 1.2))
    ended = desk.rows("order/history", **LINEAR, orderId=rests)[0]
    assert Decimal(ended["price"]) < desk.last(LINEAR) * Decimal("1.051")
    trigger = {"triggerPrice": desk.price(LINEAR, 1.3), "triggerDirection": 1}
    waits = order_id(desk.limit(LINEAR, 1.3, **trigger))
    assert desk.rows("order/realtime", **LINEAR, orderId=waits)[0]["price"] == desk.price(LINEAR, 1.3)


def test_limits_of_spot_follow_what_is_traded(desk: Desk) -> None:
    before = limits(desk, SPOT)
    desk.jump(SPOT, 1.1)
    highest, lowest = limits(desk, SPOT)
    assert highest == pytest.approx(desk.last(SPOT) * Decimal("1.05"), abs=Decimal("0.1"))
    assert highest > before[0]
    index = Decimal(desk.rows("market/tickers", **SPOT)[0]["usdIndexPrice"])
    assert lowest == pytest.approx(index * Decimal("0.95"), abs=Decimal("0.1"))
    assert code(desk.limit(SPOT, 1.04)) == 0


def test_limits_of_spot_forget_where_the_price_once_was(desk: Desk) -> None:
    for _ in range(2):
        desk.jump(SPOT, 1.1)
    desk.go_on(1)
    highest, lowest = limits(desk, SPOT)
    index = Decimal(desk.rows("market/tickers", **SPOT)[0]["usdIndexPrice"])
    assert index == desk.last(SPOT)
    assert (highest, lowest) == pytest.approx((index * Decimal("1.05"), index * Decimal("0.95")), abs=Decimal("0.1"))


class Client:
    """A private connection of an account."""

    def __init__(self, desk: Desk, *topics: str) -> None:
        self.desk = desk
        self.told: list[Any] = []
        session = desk.venue.open_socket("/v5/private", lambda message: self.told.append(json.loads(message)))
        assert session is not None
        self.session = session
        self.authenticate(MEMBER)
        session.receive(json.dumps({"op": "subscribe", "args": list(topics)}))
        assert all(message["success"] for message in self.told)

    def authenticate(self, member: Member) -> None:
        until = str(self.desk.clock.now_ms() + 10_000)
        sign = hmac.new(member.secret.encode(), f"GET/realtime{until}".encode(), "sha256").hexdigest()
        self.session.receive(json.dumps({"op": "auth", "args": [member.key, until, sign]}))


def open_ids(desk: Desk, who: dict[str, str]) -> list[str]:
    return [row["orderId"] for row in desk.rows("order/realtime", **who)]


def test_orders_are_taken_back_once_a_client_has_been_gone_for_too_long(desk: Desk) -> None:
    assert desk.get("account/query-dcp-info")["result"] == {"dcpInfos": []}
    assert code(desk.post("order/disconnected-cancel-all", product="DERIVATIVES", timeWindow=5)) == 0
    for wrong in ({"timeWindow": 2}, {"timeWindow": 301}, {"product": "NFT", "timeWindow": 5}, {}):
        assert code(desk.post("order/disconnected-cancel-all", **wrong)) == 10001
    assert desk.get("account/query-dcp-info")["result"]["dcpInfos"] == [
        {"product": "DERIVATIVES", "dcpStatus": "ON", "timeWindow": "5"}
    ]
    mine = [order_id(desk.limit(who, 0.97)) for who in (LINEAR, INVERSE, SPOT)]
    theirs = order_id(desk.limit(LINEAR, 0.97, member=OTHER))
    one, two = Client(desk, "dcp.future", "dcp.spot", "order"), Client(desk, "dcp.future")
    two.session.close()
    desk.go_on(8)
    # The other connection still watches.
    assert open_ids(desk, LINEAR) == mine[:1]
    one.session.close()
    desk.go_on(4)
    back = Client(desk, "dcp.future", "order")
    desk.go_on(8)
    assert open_ids(desk, LINEAR) == mine[:1]
    back.session.receive(json.dumps({"op": "unsubscribe", "args": ["dcp.future"]}))
    desk.go_on(4.5)
    assert open_ids(desk, LINEAR) == mine[:1]
    desk.go_on(1)
    assert open_ids(desk, LINEAR) == open_ids(desk, INVERSE) == []
    ended = [row for message in back.told if message.get("topic") == "order" for row in message["data"]]
    assert {(row["orderId"], row["orderStatus"], row["cancelType"]) for row in ended} == {
        (name, "Cancelled", "CancelByDCP") for name in mine[:2]
    }
    # Neither spot, for which no window was chosen, nor another account is concerned.
    assert open_ids(desk, SPOT) == mine[2:]
    assert desk.get("order/realtime", OTHER, **LINEAR)["result"]["list"][0]["orderId"] == theirs


def test_a_connection_that_becomes_another_account_s_watches_no_more(desk: Desk) -> None:
    desk.post("order/disconnected-cancel-all", product="DERIVATIVES", timeWindow=5)
    mine = order_id(desk.limit(LINEAR, 0.97))
    client = Client(desk, "dcp.future", "order")
    client.authenticate(MEMBER)
    desk.go_on(6)
    assert open_ids(desk, LINEAR) == [mine]
    client.authenticate(OTHER)
    client.told.clear()
    desk.go_on(6)
    assert open_ids(desk, LINEAR) == []
    client.session.close()
    # Nor does it hear of what it subscribed to for the first.
    assert client.told == []


def test_private_topics_without_anything_to_tell_are_taken(desk: Desk) -> None:
    client = Client(desk, "greeks", "dcp.option")
    client.session.receive(json.dumps({"op": "subscribe", "args": ["greeks.option"]}))
    client.session.receive(json.dumps({"op": "subscribe", "args": ["dcp.moon"]}))
    assert [message["success"] for message in client.told[-2:]] == [False, False]
