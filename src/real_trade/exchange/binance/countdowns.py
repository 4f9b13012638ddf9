"""Countdowns at Binance's futures: who does not start one anew in time has a symbol's orders cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.binance.calls import Call, whole
from real_trade.exchange.binance.refusals import missing

if TYPE_CHECKING:
    from real_trade.exchange.binance.futures_orders import FuturesDesk
    from real_trade.model import Clock

_NEVER: Final = 0


class Countdowns:
    """Those that run.

    Args:
        desk: the futures' order desk.
        clock: the venue's own.
    """

    def __init__(self, desk: FuturesDesk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        # When each ends, and the request that takes the orders back; by account and symbol.
        self._due: dict[tuple[int, str], tuple[int, Call]] = {}

    def start(self, call: Call) -> dict[str, str]:
        """Start a symbol's countdown, or stop it (0)."""
        symbol = self._desk.directory.listing(call).instrument.symbol
        span = whole(call.params, "countdownTime")
        if span is None:
            raise missing("countdownTime")
        key = call.account, symbol
        self._due.pop(key, None)
        if span != _NEVER:
            cancel = Call(call.market, "DELETE", "allOpenOrders", {"symbol": symbol}, account=call.account)
            self._due[key] = self._clock.now_ms() + span, cancel
        return {"symbol": symbol, "countdownTime": str(span)}

    def pulse(self) -> None:
        """Cancel where a countdown has ended."""
        now = self._clock.now_ms()
        for key, (due_ms, cancel) in list(self._due.items()):
            if due_ms <= now:
                del self._due[key]
                self._desk.take_back_all(cancel)
