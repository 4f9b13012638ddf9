"""Clients of others, pointed at the exchange in a box."""

from __future__ import annotations

from typing import Any

import ccxt

REST = ("spot", "futures", "v2", "public", "private")


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
