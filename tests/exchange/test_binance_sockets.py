"""How long Binance bears a connection, and what it says to frames that it does not understand."""

from __future__ import annotations

from typing import Any

import pytest
from binance_clients import Rig

from real_trade.exchange.binance.sockets import MOST
from real_trade.model import Market

PATHS = {Market.SPOT: "/stream/ws", Market.LINEAR: "/usdm/ws", Market.INVERSE: "/coinm/ws"}
FRAMES = ("/ws-api/v3", "/ws-fapi/v1", "/ws-dapi/v1")
DAY_MS = 86_400_000
METHODS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"


@pytest.mark.parametrize("path", [*PATHS.values(), *FRAMES])
def test_a_connection_lives_for_a_day(path: str) -> None:
    rig = Rig()
    wire = rig.wire(path)
    rig.clock.step(DAY_MS - 1)
    assert not wire.session.is_over
    rig.clock.step(1)
    assert wire.session.is_over
    assert not rig.wire(path).session.is_over


@pytest.mark.parametrize(("market", "most"), [(Market.SPOT, 5), (Market.LINEAR, 10), (Market.INVERSE, 10)])
def test_who_says_too_much_in_a_second_is_cut(market: Market, most: int) -> None:
    rig = Rig(limits=True)
    ask = {"method": "LIST_SUBSCRIPTIONS", "id": 1}
    patient = rig.wire(PATHS[market])
    for _ in range(2):
        for _ in range(most):
            patient.say(ask)
        rig.clock.step(1_000)
    assert len(patient.take()) == 2 * most
    assert not patient.session.is_over
    for _ in range(most + 1):
        patient.say(ask)
    assert len(patient.take()) == most
    assert patient.session.is_over
    unlimited = Rig().wire(PATHS[market])
    for _ in range(100):
        unlimited.say(ask)
    assert len(unlimited.take()) == 100
    assert not unlimited.session.is_over


@pytest.mark.parametrize("market", list(Market))
def test_who_wants_too_many_streams_is_cut(market: Market) -> None:
    rig = Rig()
    names = [f"coin{number}usdt@trade" for number in range(MOST[market] + 1)]
    wire = rig.wire(PATHS[market])
    wire.say({"method": "SUBSCRIBE", "params": names[:-1], "id": 1})
    assert wire.take() == [{"result": None, "id": 1}]
    wire.say({"method": "SUBSCRIBE", "params": names[:1], "id": 2})
    assert not wire.session.is_over
    wire.say({"method": "SUBSCRIBE", "params": names[-1:], "id": 3})
    assert wire.session.is_over
    folder = {Market.SPOT: "", Market.LINEAR: "/usdm", Market.INVERSE: "/coinm"}[market]
    assert not rig.wire(f"{folder}/stream", streams="/".join(names[:-1])).session.is_over
    assert rig.wire(f"{folder}/stream", streams="/".join(names)).session.is_over


@pytest.mark.parametrize(
    ("frame", "code", "message", "number"),
    [
        ({"method": "SET_PROPERTY", "params": ["speed", True], "id": 1}, 0, "Unknown property", 1),
        ({"method": "GET_PROPERTY", "params": ["speed"], "id": 1}, 0, "Unknown property", 1),
        ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}, 1, "Invalid value type: expected Boolean", 1),
        (
            {"method": "SET_PROPERTY", "params": [5, True], "id": "a"},
            2,
            "Invalid request: property name must be a string",
            "a",
        ),
        ({"method": "GET_PROPERTY", "id": 1}, 2, "Invalid request: property name must be a string", 1),
        ({"method": "GET_PROPERTY", "params": ["combined", 1], "id": 1}, 2, "Invalid request: too many parameters", 1),
        (
            {"method": "LIST_SUBSCRIPTIONS", "id": 1.5},
            2,
            "Invalid request: request ID must be an unsigned integer",
            None,
        ),
        ({"id": 1, "params": []}, 2, "Invalid request: missing field `method` at line 1 column 23", 1),
        (
            {"id": 1, "method": "SUBSCRIB"},
            2,
            f"Invalid request: unknown variant `SUBSCRIB`, expected one of {METHODS} at line 1 column 30",
            1,
        ),
    ],
)
def test_frames_that_make_no_sense_are_refused_in_the_documented_words(
    frame: dict[str, Any], code: int, message: str, number: object
) -> None:
    wire = Rig().wire("/ws")
    wire.say(frame)
    assert wire.take() == [{"error": {"code": code, "msg": message}, "id": number}]


def test_what_is_no_json_is_told_so() -> None:
    rig = Rig()
    wire = rig.wire("/ws")
    wire.session.receive("{")
    error = {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}
    assert wire.take() == [{"error": error, "id": None}]
    for path in FRAMES:
        frames = rig.wire(path)
        frames.session.receive("{")
        (answer,) = frames.take()
        assert (answer["id"], answer["status"]) == (None, 400)
        assert answer["error"] == {"code": -1135, "msg": "Invalid JSON Request"}
