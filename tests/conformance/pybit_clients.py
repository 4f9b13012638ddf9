"""pybit, the venue's own client, pointed at the exchange in a box."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any, Final

import pybit._websocket_trading
import pybit.unified_trading
from pybit.unified_trading import HTTP

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

SYMBOL: Final = {"spot": "BTCUSDT", "linear": "BTCUSDT", "inverse": "BTCUSD"}
QTY: Final = {"spot": "0.01", "linear": "0.02", "inverse": "1000"}
TOO_MUCH: Final = {"spot": "9", "linear": "100", "inverse": "900000"}
CATEGORIES: Final = list(SYMBOL)
CONTRACTS: Final = CATEGORIES[1:]
WAIT_S: Final = 10


def session_of(info: dict[str, Any], **more: Any) -> HTTP:
    """Return pybit's client of REST."""
    made = HTTP(api_key=info["api_key"], api_secret=info["api_secret"], **more)
    made.endpoint = info["rest"]
    return made


def open_socket(patch: pytest.MonkeyPatch, info: dict[str, Any], kind: Any, **more: Any) -> Any:
    """Return one of pybit's sockets; public ones get no keys."""
    patch.setattr(pybit.unified_trading, "PUBLIC_WSS", info["ws_public"] + "/{CHANNEL_TYPE}")
    patch.setattr(pybit.unified_trading, "PRIVATE_WSS", info["ws_private"])
    patch.setattr(pybit._websocket_trading, "TRADE_WSS", info["ws_trade"])
    is_public = more.get("channel_type") in SYMBOL
    keys = {} if is_public else {"api_key": info["api_key"], "api_secret": info["api_secret"]}
    return kind(testnet=False, restart_on_error=False, **keys, **more)


def ask(call: Callable[..., Any], **params: Any) -> Any:
    """Send an order over the trade socket; return the answer, good or bad."""
    told: queue.Queue[Any] = queue.Queue()
    call(told.put, told.put, **params)
    return told.get(timeout=WAIT_S)


def rows(answer: Any) -> list[Any]:
    assert answer["retCode"] == 0
    return answer["result"]["list"]


def last(session: HTTP, category: str) -> float:
    return float(rows(session.get_tickers(category=category, symbol=SYMBOL[category]))[0]["lastPrice"])


def price(session: HTTP, category: str, factor: float) -> str:
    """Return a price that is so much of the last one."""
    return f"{last(session, category) * factor:.1f}"


def names(category: str) -> dict[str, Any]:
    return {"category": category, "symbol": SYMBOL[category]}
