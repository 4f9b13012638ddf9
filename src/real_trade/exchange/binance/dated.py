"""A dated future beside the perpetuals: the quarter's, quoted where its perpetual is, and not traded by accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.world import Listing
    from real_trade.model import Clock, Instrument

# A contract is listed two quarters before its delivery.
_LISTED_MS: Final = 182 * 86_400_000


class Dated:
    """The future of the quarter; once it is delivered, that of the next.

    Args:
        instruments: what the market lists; nothing is dated where there is no linear perpetual.
        launch_ms: when the market began.
        clock: market time.
    """

    def __init__(self, instruments: Sequence[Instrument], launch_ms: int, clock: Clock) -> None:
        perpetuals = [i for i in instruments if i.market is Market.LINEAR]
        self.perpetual = next((i for i in perpetuals if i.base == "BTC"), perpetuals[0] if perpetuals else None)
        self._launch_ms, self._clock = launch_ms, clock
        self._delivery_ms, self._symbol = 0, ""
        self._listing: Listing | None = None
        # The last perpetual asked about, and its future.
        self._last: tuple[Instrument, Instrument] | None = None

    @property
    def symbol(self) -> str:
        """Return the future's symbol, empty where there is none."""
        if self.perpetual is None:
            return ""
        now = self._clock.now_ms()
        if now >= self._delivery_ms:
            self._delivery_ms, self._listing, self._last = next_delivery(now), None, None
            self._symbol = f"{self.perpetual.symbol}_{spelled_day(self._delivery_ms)}"
        return self._symbol

    def is_future(self, market: Market, symbol: str) -> bool:
        """Tell whether a symbol is the future's."""
        return market is Market.LINEAR and symbol != "" and symbol == self.symbol

    def future(self, perpetual: Instrument) -> Instrument:
        """Return the future of the perpetual as it is listed now."""
        symbol = self.symbol
        if self._last is None or self._last[0] is not perpetual:
            self._last = perpetual, replace(perpetual, symbol=symbol)
        return self._last[1]

    def follow(self, listing: Listing) -> Listing:
        """Return the perpetual's listing under the future's name; always the same one, brought up to date."""
        instrument = self.future(listing.instrument)
        if self._listing is None:
            self._listing = replace(listing, instrument=instrument)
        found = self._listing
        found.instrument, found.table, found.candle = instrument, listing.table, listing.candle
        found.is_trading = listing.is_trading
        return found

    def facts(self) -> dict[str, Any]:
        """Return what exchangeInfo says otherwise than of a perpetual."""
        return {
            "contractType": "CURRENT_QUARTER",
            "deliveryDate": self._delivery_ms,
            "onboardDate": max(self._launch_ms, self._delivery_ms - _LISTED_MS),
        }


def is_dated(instrument: Instrument) -> bool:
    """Tell whether an instrument is a dated future."""
    return instrument.market is Market.LINEAR and "_" in instrument.symbol


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)


def spelled_day(at_ms: int) -> str:
    """Spell the day of a delivery.

    >>> spelled_day(1_711_699_200_000)
    '240329'
    """
    return f"{_time(at_ms):%y%m%d}"


def next_delivery(after_ms: int) -> int:
    """Return the first last Friday of a quarter, 08:00 UTC, after a time."""
    at = _time(after_ms)
    year, month = at.year, -(-at.month // 3) * 3
    while True:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        friday = last - timedelta(days=(last.weekday() - 4) % 7)
        found = datetime(friday.year, friday.month, friday.day, 8, tzinfo=UTC)
        if found > at:
            return int(found.timestamp()) * 1000
        year, month = (year, month + 3) if month < 12 else (year + 1, 3)
