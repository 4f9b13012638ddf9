"""Clients of others, pointed at the exchange in a box."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import ccxt
import ccxt.async_support
import ccxt.pro
from blocking import Blocking
from topics import shows

if TYPE_CHECKING:
    from collections.abc import Callable

    from topics import T

REST = ("spot", "futures", "v2", "public", "private")
SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
SYMBOLS: Final = [SPOT, LINEAR, INVERSE]
SWAPS: Final = [LINEAR, INVERSE]
AMOUNT: Final = {SPOT: 0.01, LINEAR: 0.02, INVERSE: 1_000}
TOO_DEAR: Final = {SPOT: 9, LINEAR: 100, INVERSE: 900_000}


def bybit_api(info: dict[str, Any]) -> dict[str, Any]:
    """Return ccxt's table of Bybit's addresses."""
    public, private = info["ws_public"], info["ws_private"]
    sockets = {
        "public": {name: f"{public}/{name}" for name in ("spot", "linear", "inverse", "option")},
        "private": {
            "spot": {"unified": private, "nonUnified": private},
            "contract": private,
            "usdc": private,
            "trade": info["ws_trade"],
        },
    }
    return {**dict.fromkeys(REST, info["rest"]), "ws": sockets}


def bybit_settings(info: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what ccxt's Bybit clients are made with."""
    keys = {"apiKey": info["api_key"], "secret": info["api_secret"], "enableRateLimit": False}
    return {**keys, "urls": {"api": bybit_api(info)}, **more}


def bybit_client(info: dict[str, Any], **more: Any) -> Any:
    """Return ccxt's blocking client."""
    return ccxt.bybit(bybit_settings(info, **more))


# ccxt's three clients; all of them answer at once, as the first does by itself.
CCXT: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "bybit ccxt": bybit_client,
    "bybit ccxt async": lambda info: Blocking(lambda: ccxt.async_support.bybit(bybit_settings(info))),
    "bybit ccxt.pro": lambda info: Blocking(lambda: ccxt.pro.bybit(bybit_settings(info))),
}


def ccxt_shows(*topics: str) -> Callable[[T], T]:
    """Note that a test shows topics of all three clients of ccxt."""

    def note(test: T) -> T:
        for client in CCXT:
            shows(client, *topics)(test)
        return test

    return note


def advance(info: dict[str, Any], milliseconds: int) -> None:
    """Let market time pass, through the keeper's door."""
    body = json.dumps({"ms": milliseconds}).encode()
    with urllib.request.urlopen(f"{info['admin']}/advance", body, timeout=10) as answer:
        answer.read()


def last(client: Any, symbol: str) -> float:
    return client.fetch_ticker(symbol)["last"]


def at(client: Any, symbol: str, factor: float) -> float:
    """Return a price that is so much of the last one."""
    return float(client.price_to_precision(symbol, last(client, symbol) * factor))


def order(client: Any, placed: Any, symbol: str) -> Any:
    """Return an order as it is now, open or ended."""
    return client.fetch_order(placed["id"], symbol, {"acknowledged": True})


def position(client: Any, symbol: str) -> Any:
    return client.fetch_positions([symbol])[0]
