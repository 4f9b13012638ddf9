"""Where python-binance's clients ask: addresses are attributes of their classes."""

from __future__ import annotations

from typing import Any

from binance import BinanceSocketManager
from binance.base_client import BaseClient

SYMBOL = "BTCUSDT"
COIN_SYMBOL = "BTCUSD_PERP"


def point(info: dict[str, Any]) -> None:
    """Let clients that are made from now on ask an exchange, given its first line."""
    spot, linear, inverse = (info["markets"][name] for name in ("spot", "linear", "inverse"))
    BaseClient.API_URL, BaseClient.MARGIN_API_URL = spot["rest"] + "/api", spot["rest"] + "/sapi"
    BaseClient.FUTURES_URL, BaseClient.FUTURES_COIN_URL = linear["rest"] + "/fapi", inverse["rest"] + "/dapi"
    BaseClient.WS_API_URL, BaseClient.WS_FUTURES_URL = spot["ws_api"], linear["ws_api"]
    roots = [each["rest"].replace("http", "ws", 1) + "/" for each in (spot, linear, inverse)]
    BinanceSocketManager.STREAM_URL, BinanceSocketManager.FSTREAM_URL, BinanceSocketManager.DSTREAM_URL = roots
