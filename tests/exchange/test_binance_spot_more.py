"""Binance's spot market beyond orders: how they were amended, what they must keep to, days of other time zones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import binance_clients
import pytest
from binance_clients import Rejected, Rig, events_of

from real_trade.model import Interval, Market, parse_time

SPOT, LINEAR = Market.SPOT, Market.LINEAR
HOUR = 3_600_000
SYMBOL = {"symbol": "BTCUSDT"}
# How time zones are written, and by how many hours their clocks are ahead.
ZONES = [("8", 8.0), ("+08:00", 8.0), ("-5", -5.0), ("05:45", 5.75), ("-1:30", -1.5)]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def resting(rig: Rig, link: str) -> int:
    price = (rig.touch(SPOT)[0] * Decimal("0.9")).quantize(Decimal("0.01"))
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.05", price=price, newClientOrderId=link)
    return int(row["orderId"])


def amend(rig: Rig, order: int, quantity: str, **params: object) -> Any:
    return rig.mine(SPOT, "PUT", "order/amend/keepPriority", **SYMBOL, orderId=order, newQty=quantity, **params)


def refused(rig: Rig, name: str, **params: object) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "GET", name, **params)
    return caught.value.code, caught.value.message


# Amendments


def test_how_an_order_was_amended_is_told_oldest_first(rig: Rig) -> None:
    order, other = resting(rig, "one"), resting(rig, "other")
    first = amend(rig, order, "0.04", newClientOrderId="two")
    rig.pass_time(1_000)
    second = amend(rig, order, "0.03")
    amend(rig, other, "0.01")
    named = second["amendedOrder"]["clientOrderId"]
    rows = rig.mine(SPOT, "GET", "order/amendments", **SYMBOL, orderId=order)
    common = {**SYMBOL, "orderId": order}
    assert rows == [
        {
            **common,
            "executionId": first["executionId"],
            "origClientOrderId": "one",
            "newClientOrderId": "two",
            "origQty": "0.05000000",
            "newQty": "0.04000000",
            "time": first["transactTime"],
        },
        {
            **common,
            "executionId": second["executionId"],
            "origClientOrderId": "two",
            "newClientOrderId": named,
            "origQty": "0.04000000",
            "newQty": "0.03000000",
            "time": first["transactTime"] + 1_000,
        },
    ]
    assert second["executionId"] > first["executionId"]
    later = {"fromExecutionId": second["executionId"]}
    assert rig.mine(SPOT, "GET", "order/amendments", **common, **later) == rows[1:]
    assert rig.mine(SPOT, "GET", "order/amendments", **common, limit=1) == rows[:1]
    assert rig.mine(SPOT, "GET", "order/amendments", key="other", **common) == []
    assert rig.mine(SPOT, "GET", "order/amendments", symbol="ETHUSDT", orderId=order) == []
    assert refused(rig, "order/amendments", **SYMBOL)[0] == -1102
    wire = rig.wire("/ws-api/v3")
    wire.say(rig.frame("order.amendments", **common))
    assert wire.take()[0]["result"] == rows


def test_an_amended_order_goes_by_its_new_name(rig: Rig) -> None:
    wire = rig.user_stream(SPOT)
    order = resting(rig, "one")
    wire.take()
    row = amend(rig, order, "0.04", newClientOrderId="two")["amendedOrder"]
    assert (row["origClientOrderId"], row["clientOrderId"]) == ("one", "two")
    told = [event for event in events_of(wire) if event["e"] == "executionReport"]
    assert [(event["x"], event["c"], event["C"], event["q"]) for event in told] == [
        ("REPLACED", "two", "one", "0.04000000")
    ]
    assert rig.mine(SPOT, "GET", "order", **SYMBOL, origClientOrderId="two")["orderId"] == order
    assert refused(rig, "order", **SYMBOL, origClientOrderId="one")[0] == -2013
    # Without a name it is given one; it keeps the one it has if that is asked for.
    named = amend(rig, order, "0.03")["amendedOrder"]["clientOrderId"]
    assert named not in {"one", "two"}
    assert amend(rig, order, "0.02", newClientOrderId=named)["amendedOrder"]["clientOrderId"] == named


def test_an_order_that_could_not_be_amended_keeps_its_name(rig: Rig) -> None:
    order, _ = resting(rig, "one"), resting(rig, "other")
    for quantity, name, code in (("0.06", "two", -2038), ("0.04", "other", -2010), ("0.00001", "two", -1013)):
        with pytest.raises(Rejected) as caught:
            amend(rig, order, quantity, newClientOrderId=name)
        assert caught.value.code == code
    assert rig.mine(SPOT, "GET", "order", **SYMBOL, origClientOrderId="one")["origQty"] == "0.05000000"
    assert rig.mine(SPOT, "GET", "order/amendments", **SYMBOL, orderId=order) == []


# Filters


def test_what_orders_of_a_symbol_must_keep_to(rig: Rig) -> None:
    (listed,) = rig.public(SPOT, "exchangeInfo", **SYMBOL)["symbols"]
    found = rig.mine(SPOT, "GET", "myFilters", **SYMBOL)
    assert found == {"exchangeFilters": [], "symbolFilters": listed["filters"], "assetFilters": []}
    wire = rig.wire("/ws-api/v3")
    wire.say(rig.frame("myFilters", **SYMBOL))
    assert wire.take()[0]["result"] == found
    assert refused(rig, "myFilters")[0] == -1102
    assert refused(rig, "myFilters", symbol="NOPE")[0] == -1121


# Time zones


def bars(rig: Rig, interval: str, name: str = "klines", **params: object) -> list[Any]:
    found: list[Any] = rig.public(SPOT, name, **SYMBOL, interval=interval, limit=1_000, **params)
    return found


@pytest.mark.parametrize(("zone", "ahead"), ZONES)
@pytest.mark.parametrize("interval", ["1M", "1w", "3d", "1d", "12h", "1h"])
def test_bars_begin_by_the_clocks_of_a_time_zone(rig: Rig, interval: str, zone: str, ahead: float) -> None:
    minutes, shift = rig.public(SPOT, "klines", **SYMBOL, interval="1m", startTime=0, limit=1), int(ahead * HOUR)
    rows, length = bars(rig, interval, timeZone=zone), Interval.parse(interval)
    assert [row[0] for row in rows] == [length.floor(row[0] + shift) - shift for row in rows]
    assert [row[6] for row in rows] == [length.next_open(row[0] + shift) - shift - 1 for row in rows]
    assert rows[0][0] <= minutes[0][0] <= rows[0][6]
    assert rows[-1][0] <= rig.clock.now_ms() <= rows[-1][6]
    # Nothing is lost by it, whenever bars begin.
    plain = bars(rig, interval)
    assert sum(Decimal(row[5]) for row in rows) == sum(Decimal(row[5]) for row in plain)
    assert sum(row[8] for row in rows) == sum(row[8] for row in plain)
    assert (rows[0][1], rows[-1][4]) == (plain[0][1], plain[-1][4])
    assert rows == bars(rig, interval, "uiKlines", timeZone=zone)


def test_a_day_of_a_time_zone_is_its_hours(rig: Rig) -> None:
    first = parse_time("2024-01-18T16:00:00Z")
    span: dict[str, object] = {"startTime": first, "endTime": first + 24 * HOUR - 1}
    (day,) = bars(rig, "1d", timeZone=8, **span)
    hours = bars(rig, "1h", **span)
    assert (day[0], len(hours)) == (first, 24)
    assert [day[1], day[4]] == [hours[0][1], hours[-1][4]]
    assert Decimal(day[2]) == max(Decimal(row[2]) for row in hours)
    assert Decimal(day[5]) == sum(Decimal(row[5]) for row in hours)
    assert bars(rig, "1d", timeZone=0) == bars(rig, "1d", timeZone="") == bars(rig, "1d")
    wire = rig.wire("/ws-api/v3")
    wire.say({"id": 1, "method": "klines", "params": {**SYMBOL, "interval": "1d", "timeZone": "8", **span}})
    assert wire.take()[0]["result"] == [day]


@pytest.mark.parametrize("zone", ["15", "14:01", "-12:01", "-13", "8:60", "UTC", "8:0", "+", "0800"])
def test_nobody_lives_in_such_a_time_zone(rig: Rig, zone: str) -> None:
    with pytest.raises(Rejected) as caught:
        bars(rig, "1d", timeZone=zone)
    assert caught.value.code == -1130


def test_a_stream_s_day_begins_by_the_clocks_of_its_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    over = parse_time("2024-01-20T16:00:00Z")
    monkeypatch.setattr(binance_clients, "START", over - 30_000)
    rig = Rig()
    names = ["kline_1d@+08:00", "kline_1d", "kline_1m", "kline_1m@+08:00"]
    wires = []
    for name in names:
        wires.append(rig.wire("/stream/ws/0"))
        wires[-1].say({"method": "SUBSCRIBE", "params": [f"btcusdt@{name}"], "id": 1})
    rig.pass_time(45_000)
    zoned, plain, minutes, zoned_minutes = ([event["k"] for event in wire.take()[1:]] for wire in wires)
    closed = [row for row in zoned if row["x"]]
    assert [(row["t"], row["T"], row["i"]) for row in closed] == [(over - 24 * HOUR, over - 1, "1d")]
    assert {row["t"] for row in zoned} == {over - 24 * HOUR, over}
    assert len(zoned) > 5
    (bar,) = bars(rig, "1d", timeZone=8, startTime=over - 24 * HOUR, endTime=over - 1)
    (row,) = closed
    assert [row["o"], row["h"], row["l"], row["c"], row["v"], row["T"], row["q"], row["n"]] == bar[1:9]
    assert {(row["t"], row["x"]) for row in plain} == {(over - 16 * HOUR, False)}
    assert zoned_minutes == minutes
    assert any(row["x"] for row in minutes)


def test_only_spot_has_bars_of_a_time_zone(rig: Rig) -> None:
    wire = rig.wire("/usdm/market/ws/0")
    wire.say({"method": "SUBSCRIBE", "params": ["btcusdt@kline_1d@+08:00", "btcusdt@kline_1d"], "id": 1})
    rig.pass_time(2_000)
    assert {event["k"]["i"] for event in wire.take()[1:]} == {"1d"}
    silent = rig.wire("/usdm/market/ws/0")
    silent.say({"method": "SUBSCRIBE", "params": ["btcusdt@kline_1d@+08:00"], "id": 1})
    rig.pass_time(2_000)
    assert len(silent.take()) == 1
    asked: dict[str, object] = {**SYMBOL, "interval": "1d"}
    assert rig.public(LINEAR, "klines", **asked, timeZone=8) == rig.public(LINEAR, "klines", **asked)
