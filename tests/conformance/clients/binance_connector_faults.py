"""What the venue's own older connector for spot meets when things go wrong."""

from __future__ import annotations

import json
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from binance.spot import Spot
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient
from checks import Heard, check, exchange, refused, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INFO = exchange()
ROOT = INFO["markets"]["spot"]["rest"]
S = "BTCUSDT"
ORDER = "/api/v3/order"
client: Any = Spot(INFO["api_key"], INFO["api_secret"], base_url=ROOT, timeout=2)


@contextmanager
def fault(kind: str, **more: object) -> Iterator[None]:
    """Let something go wrong for as long as a block of code runs."""
    admin(json.dumps({"kind": kind, **more}).encode())
    try:
        yield
    finally:
        admin(None)


def admin(plan: bytes | None) -> None:
    request = urllib.request.Request(f"{INFO['admin']}/faults", plan, method="DELETE" if plan is None else "POST")
    with urllib.request.urlopen(request, timeout=10):
        pass


def met(name: str, work: Callable[[], object], *kinds: str) -> None:
    """Tell whether a call ends in an error of a kind."""
    try:
        found = work()
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the finding
        names = {each.__name__ for each in type(error).__mro__}
        same("faults", name, bool(names & set(kinds)) or f"{type(error).__name__}: {error}", True)
    else:
        same("faults", name, found, "an error")


def requests(price: float) -> None:
    limit = {"timeInForce": "GTC", "quantity": 0.01, "price": price}
    place = lambda: client.new_order(S, "BUY", "LIMIT", **limit)  # noqa: E731
    for kind, more, errors, is_there in (
        ("reset", {}, ("ConnectionError",), False),
        ("error_5xx", {"argument": 503}, ("ServerError",), False),
        ("maintenance", {}, ("ServerError",), False),
        ("lost_answer", {}, ("ConnectionError",), True),
        ("error_after", {"argument": 503}, ("ServerError",), True),
        ("no_answer", {"argument": 3}, ("Timeout",), True),
        ("truncated", {}, ("ConnectionError", "ChunkedEncodingError"), True),
    ):
        with fault(kind, endpoint=ORDER, **more):
            met(kind, place, *errors)
        same("faults", f"{kind}: placed", len(client.get_open_orders(S)), int(is_there))
        if is_there:
            client.cancel_open_orders(S)
    with fault("cut_json", endpoint="*ticker/price"):
        # The connector hands on what it cannot read as text.
        same("faults", "cut_json", isinstance(client.ticker_price(S), str), True)
    with fault("rate_10006", argument=2):
        refused("faults", "429", client.time, -1003)
    with fault("clock_skew", argument=10_000):
        time.sleep(0.3)
        refused("faults", "clock_skew", client.account, -1021)
    with fault("clock_skew", argument=0):
        time.sleep(0.3)
        check("faults", "clock_skew: over", client.account)


def streams() -> None:
    heard = Heard()
    key = client.new_listen_key()["listenKey"]
    stream = SpotWebsocketStreamClient(stream_url=ROOT.replace("http", "ws", 1), on_message=heard.take)
    stream.user_data(key)
    time.sleep(0.5)

    def told(kind: str, number: int) -> list[Any]:
        return [m for m in heard.messages if m.get("e") == "executionReport" and (m["x"], m["i"]) == (kind, number)]

    def buy() -> int:
        return int(client.new_order(S, "BUY", "MARKET", quantity=0.01)["orderId"])

    with fault("stream_twice", endpoint="executionReport"):
        number = buy()
        check("faults", "twice", lambda: heard.wait(lambda _: len(told("TRADE", number)) == 2))
    same("faults", "the same trade", len({m["t"] for m in told("TRADE", number)}), 1)
    with fault("stream_delay", endpoint="executionReport", argument=1.0, times=1):
        number = buy()
        time.sleep(0.5)
        same("faults", "late", told("TRADE", number), [])
    check("faults", "late, yet it comes", lambda: heard.wait(lambda _: told("TRADE", number)))
    with fault("stream_loss", endpoint="executionReport"):
        number = buy()
        time.sleep(0.5)
        same("faults", "lost", told("TRADE", number), [])
    same("faults", "lost, yet it is among my trades", bool(client.my_trades(S, orderId=number)), True)
    stream.stop()


requests(round(float(client.ticker_price(S)["price"]) * 0.9, 2))
streams()
