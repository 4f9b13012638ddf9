"""How long Binance bears a connection: for a day, and while it does not say too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.limits import BurstLimit, Rate
from real_trade.model import Market

if TYPE_CHECKING:
    from real_trade.model import Clock

_LIFE_MS: Final = 86_400_000
# Messages of the client in a second.
_MOST: Final = {Market.SPOT: 5, Market.LINEAR: 10, Market.INVERSE: 10}
# After how long without a frame of the client a connection is cut, and how often the venue asks.
_SILENCE_S: Final = {Market.SPOT: 60.0, Market.LINEAR: 600.0, Market.INVERSE: 600.0}
_PINGS_S: Final = {Market.SPOT: 20.0, Market.LINEAR: 180.0, Market.INVERSE: 180.0}


class Patience:
    """What is left of it for one connection.

    Args:
        market: what the connection is for.
        machine: the machine's clock.
        limited: count messages.

    Attributes:
        idle_s: after how long without a frame of the client it is over.
        ping_s: how often the venue asks.
    """

    def __init__(self, market: Market, machine: Clock, *, limited: bool) -> None:
        self.idle_s, self.ping_s = _SILENCE_S[market], _PINGS_S[market]
        self._machine = machine
        self._until_ms = machine.now_ms() + _LIFE_MS
        self._messages = BurstLimit(Rate(_MOST[market] if limited else None, 1.0), 0.0, machine)
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Tell whether there is none left."""
        return self._is_over or self._machine.now_ms() >= self._until_ms

    def lose(self) -> None:
        """Have enough."""
        self._is_over = True

    def take_message(self) -> bool:
        """Count a message; false if it is one too many."""
        if not self._messages.admit():
            self.lose()
        return not self._is_over
