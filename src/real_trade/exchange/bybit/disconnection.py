"""Bybit's disconnection protection: orders are taken back once an account's connections have been gone for so long."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.parameters import choice
from real_trade.exchange.bybit.refusals import bad
from real_trade.exchange.core.orders import Why
from real_trade.exchange.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.bybit.trading import Trading
    from real_trade.model import Clock

# Private topics -> the product that they watch over.
TOPICS: Final = {"dcp.spot": "SPOT", "dcp.future": "DERIVATIVES", "dcp.option": "OPTIONS"}
_CATEGORIES: Final = {"SPOT": ("spot",), "DERIVATIVES": ("linear", "inverse"), "OPTIONS": ("option",)}
_LEAST_S: Final = 3
_MOST_S: Final = 300

# An account, and one of its products.
Key = tuple[int, str]


class Disconnection:
    """Watches over the connections of accounts that have asked for it.

    Args:
        trading: takes orders back.
        clock: the venue's own.
    """

    def __init__(self, trading: Trading, clock: Clock) -> None:
        self._trading, self._clock = trading, clock
        self._windows: dict[Key, int] = {}
        self._watchers: dict[Key, int] = defaultdict(int)
        # When the last connection of an account that watched over a product went.
        self._gone_ms: dict[Key, int] = {}

    def set_window(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Choose after how many seconds orders of a product are taken back.

        Raises:
            Refusal: no such product, or not so many seconds.
        """
        product = choice(params, "product", tuple(_CATEGORIES), "OPTIONS")
        seconds = whole_number(str(params.get("timeWindow", "")))
        if seconds is None or not _LEAST_S <= seconds <= _MOST_S:
            raise bad("timeWindow invalid")
        self._windows[account, product] = seconds
        return {}

    def info(self, account: int, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was chosen."""
        del params
        rows = [
            {"product": product, "dcpStatus": "ON", "timeWindow": str(self._windows[account, product])}
            for product in _CATEGORIES
            if (account, product) in self._windows
        ]
        return {"dcpInfos": rows}

    def join(self, account: int, topic: str) -> None:
        """Take a connection that watches over a product; whoever has come back in time loses nothing."""
        key = account, TOPICS[topic]
        self._watchers[key] += 1
        self._gone_ms.pop(key, None)

    def leave(self, account: int, topic: str) -> None:
        """Let a connection go."""
        key = account, TOPICS[topic]
        self._watchers[key] -= 1
        if self._watchers[key] == 0 and key in self._windows:
            self._gone_ms[key] = self._clock.now_ms()

    def look(self) -> None:
        """Take back the orders of those who have been gone for too long."""
        now = self._clock.now_ms()
        for key, since in list(self._gone_ms.items()):
            if now - since < self._windows[key] * 1_000:
                continue
            del self._gone_ms[key]
            account, product = key
            for category in _CATEGORIES[product]:
                self._trading.withdraw(account, category, Why.DISCONNECTED)
