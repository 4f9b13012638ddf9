"""Clients of Binance that sign by Ed25519, and sessions that are theirs without a signature."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from binance_clients import Rejected, Rig, events_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from real_trade.exchange.binance.ed25519 import is_signed, public_key
from real_trade.exchange.binance.signing import Doorkeeper
from real_trade.model import Market

SPOT, LINEAR = Market.SPOT, Market.LINEAR
OWNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
# RFC 8032, section 7.1: public key, message, signature.
VECTORS = {
    "nothing": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "one byte": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
}


def written(owner: Ed25519PrivateKey) -> str:
    raw = owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(raw).decode()


def signed(text: str, owner: Ed25519PrivateKey = OWNER) -> str:
    return base64.b64encode(owner.sign(text.encode())).decode()


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.venue._door = Doorkeeper({"key": written(OWNER), "other": "word"}, rig.clock)
    return rig


def frame(rig: Rig, method: str, owner: Ed25519PrivateKey = OWNER, **params: object) -> dict[str, Any]:
    named = {"apiKey": "key", "timestamp": rig.clock.now_ms(), **params}
    text = "&".join(f"{name}={value}" for name, value in sorted(named.items()))
    return {"id": method, "method": method, "params": {**named, "signature": signed(text, owner)}}


@pytest.mark.parametrize("name", VECTORS)
def test_signatures_are_those_of_the_standard(name: str) -> None:
    public, message, raw = (bytes.fromhex(text) for text in VECTORS[name])
    assert is_signed(public, message, base64.b64encode(raw).decode())
    assert not is_signed(public, message + b" ", base64.b64encode(raw).decode())
    for place in (0, 31, 32, 63):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert not is_signed(public, message, base64.b64encode(changed).decode())


def test_what_is_no_key_or_no_signature_is_none() -> None:
    public = public_key(written(OWNER))
    assert public == OWNER.public_key().public_bytes_raw()
    assert [public_key(text) for text in ("secret", "", written(OWNER)[4:], "\u00e9")] == [None] * 4
    large = base64.b64encode(OWNER.sign(b"x")[:32] + b"\xff" * 32).decode()
    assert not any(is_signed(public, b"x", text) for text in ("", "abc", "\u00e9", large, signed("x")[4:]))
    no_point = (2).to_bytes(32, "little")
    assert not is_signed(no_point, b"x", signed("x"))


def test_a_request_is_signed_over_its_query(rig: Rig) -> None:
    def ask(signature: str) -> Any:
        from urllib.parse import quote

        return rig.ask("GET", "/api/v3/account", f"{text}&signature={quote(signature)}", {"x-mbx-apikey": "key"})

    text = f"timestamp={rig.clock.now_ms()}"
    assert ask(signed(text))["canTrade"]
    for wrong in (signed(text, STRANGER), signed("timestamp=1"), "0" * 64):
        with pytest.raises(Rejected) as refused:
            ask(wrong)
        assert refused.value.code == -1022


def test_a_session_needs_no_signature_until_it_is_left(rig: Rig) -> None:
    wire = rig.wire("/ws-api/v3")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}

    def call(message: dict[str, Any]) -> Any:
        wire.say(message)
        return next(m for m in wire.take() if "id" in m)

    def place() -> Any:
        return call({"id": 1, "method": "order.place", "params": {**order, "timestamp": rig.clock.now_ms()}})

    assert place()["error"]["code"] == -2014
    assert call(frame(rig, "session.logon", STRANGER))["error"]["code"] == -1022
    begun = call(frame(rig, "session.logon"))["result"]
    assert (begun["apiKey"], begun["authorizedSince"]) == ("key", rig.clock.now_ms())
    assert call({"id": 2, "method": "session.status"})["result"]["apiKey"] == "key"
    assert call({"id": 3, "method": "userDataStream.subscribe"})["result"] == {"subscriptionId": 0}
    wire.say({"id": 4, "method": "order.place", "params": {**order, "timestamp": rig.clock.now_ms()}})
    assert {event["x"] for event in events_of(wire) if event["e"] == "executionReport"} == {"NEW", "TRADE"}
    assert call({"id": 5, "method": "order.place", "params": order})["error"]["code"] == -1102
    assert call(frame(rig, "account.status"))["status"] == 200
    leave = {"id": 7, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": "0"}}
    assert (call(leave)["result"], call(leave)["error"]["code"]) == ({}, -1102)
    assert call({"id": 6, "method": "session.logout"})["result"]["apiKey"] is None
    assert place()["error"]["code"] == -2014


def test_futures_have_sessions_too(rig: Rig) -> None:
    wire = rig.wire("/ws-fapi/v1")
    wire.say(frame(rig, "session.logon"))
    wire.say({"id": 1, "method": "userDataStream.start"})
    logon, started = wire.take()
    assert logon["result"]["apiKey"] == "key"
    assert len(started["result"]["listenKey"]) == 64
