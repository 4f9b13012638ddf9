"""The history of one Bybit market, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.bybit import wire
from real_trade.data.rows import joined_rates
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.interval import DAY_MS, Interval
from real_trade.model.series import SeriesKind
from real_trade.model.tiers import MarginTiers
from real_trade.utils.http import HttpClient
from real_trade.utils.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.data.brackets import TierRow
    from real_trade.data.history import VenueEndpoints
    from real_trade.model.instrument import Instrument
    from real_trade.model.series import FundingRates, Klines
    from real_trade.utils.http import Answer, Traffic

PUBLIC_URL: Final = "https://api.bybit.com"
_PATHS: Final = {
    SeriesKind.KLINE: "/v5/market/kline",
    SeriesKind.MARK: "/v5/market/mark-price-kline",
    SeriesKind.INDEX: "/v5/market/index-price-kline",
}
_TIERS_PATH: Final = "/v5/market/risk-limit"
_FUNDING_ROWS: Final = 200
_INSTRUMENT_ROWS: Final = 1000


class BybitHistory:
    """Fills `real_trade.data.history.HistorySource` for spot, linear or inverse.

    Args:
        market: becomes Bybit's ``category``.
        rest_url: base URL.
        proxy: as in `HttpClient`.
    """

    venue = "bybit"
    page_bars = 1000
    page_span_ms: int | None = None

    def __init__(self, market: Market, rest_url: str = PUBLIC_URL, *, proxy: str | None = None) -> None:
        self._client = HttpClient(rest_url, _make_pacer, proxy=proxy, observe=_observe)
        self._market = market
        self.klines_url = self._client.base_url + _PATHS[SeriesKind.KLINE]
        self.traffic: Traffic = self._client.traffic

    def on_wait(self, tell: Callable[[float, str], None] | None) -> None:
        """Have ``tell(seconds, reason)`` called whenever all requests stop."""
        self._client.on_wait = tell

    async def server_time_ms(self) -> int:
        """Return the venue's time."""
        return await self._client.get("/v5/market/time", {}, wire.read_time)

    async def instruments(self) -> list[Instrument]:
        """Return every instrument of the market that trades."""
        found: list[Instrument] = []
        cursor = ""
        while True:
            params: dict[str, str | int] = {"category": str(self._market)}
            if self._market is not Market.SPOT:  # spot knows no pages
                params["limit"] = _INSTRUMENT_ROWS
            if cursor:
                params["cursor"] = cursor
            page, following = await self._client.get(
                "/v5/market/instruments-info", params, lambda answer: wire.read_instruments(answer, self._market)
            )
            found += page
            if not following or following == cursor:
                return found
            cursor = following

    async def tiers(self, symbol: str) -> MarginTiers | None:
        """Return the margin tiers of a perpetual or future; None on spot."""
        if self._market is Market.SPOT:
            return None
        rows: list[TierRow] = []
        params: dict[str, str | int] = {"category": str(self._market), "symbol": symbol}
        while True:
            page, following, day = await self._client.get(
                _TIERS_PATH, params, lambda answer: (*wire.read_risk_limits(answer, symbol), wire.read_day(answer))
            )
            rows += page
            if not following or following == params.get("cursor"):
                return MarginTiers.of(sorted(rows), as_of=day, source=f"Bybit, GET {_TIERS_PATH}")
            params["cursor"] = following

    async def klines(self, symbol: str, interval: Interval, from_ms: int, to_ms: int, kind: SeriesKind) -> Klines:
        """Return the bars that open in ``[from_ms, to_ms)``, at most 1,000."""
        if kind not in _PATHS or (kind is not SeriesKind.KLINE and self._market is Market.SPOT):
            raise InputError(
                f"Bybit {self._market} has no {kind} bars.", code="unknown_kind", field="kind", value=str(kind)
            )
        params: dict[str, str | int] = {
            "category": str(self._market),
            "symbol": symbol,
            "interval": interval.bybit,
            "start": from_ms,
            "end": to_ms - 1,  # both ends are included
            "limit": self.page_bars,
        }
        read = wire.read_klines if kind is SeriesKind.KLINE else wire.read_price_klines
        page = await self._client.get(_PATHS[kind], params, read)
        return page.between(from_ms, to_ms)

    async def first_open(self, symbol: str, kind: SeriesKind, from_ms: int) -> int | None:
        """Return the day of the first bar: all months fit in one page, the days of one month in another."""
        now_ms = await self.server_time_ms()
        month_ms = Interval("1M").floor(from_ms)
        months = await self.klines(symbol, Interval("1M"), month_ms, max(now_ms, month_ms + 1), kind)
        if not len(months):
            return None
        start_ms = max(int(months.timestamp[0]), Interval("1d").floor(from_ms))
        days = await self.klines(symbol, Interval("1d"), start_ms, start_ms + 62 * DAY_MS, kind)
        if len(days):
            return max(from_ms, int(days.timestamp[0]))
        # The month traded before from_ms only; the next one that did comes much later, or never.
        return int(months.timestamp[1]) if len(months) > 1 else None

    async def funding(self, symbol: str, from_ms: int, to_ms: int) -> FundingRates:
        """Return all settlements in ``[from_ms, to_ms)``; the venue gives the newest 200 of a span."""
        if self._market is Market.SPOT:
            raise InputError("Spot has no funding.", code="unknown_kind", field="kind", value="funding")
        pages: list[FundingRates] = []
        end_ms = to_ms - 1
        while end_ms >= from_ms:
            params: dict[str, str | int] = {
                "category": str(self._market),
                "symbol": symbol,
                "startTime": from_ms,
                "endTime": end_ms,
                "limit": _FUNDING_ROWS,
            }
            page = await self._client.get("/v5/market/funding/history", params, wire.read_funding)
            pages.append(page)
            if len(page) < _FUNDING_ROWS:
                break
            end_ms = int(page.timestamp[0]) - 1
        return joined_rates(pages[::-1])

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()


def _make_pacer() -> Pacer:
    # 600 requests per 5 s and address: 114 a second, 8 to catch up, 22 under way.
    return Pacer(600, 5, burst=8, in_flight=22)


def _observe(answer: Answer, pacer: Pacer) -> None:
    seconds = wire.pause_s(answer)
    if seconds > 0:
        pacer.hold(seconds)


def open_history(endpoints: VenueEndpoints, market: Market) -> BybitHistory:
    """Return the history of a market; nothing is sent yet."""
    return BybitHistory(market, endpoints.rest_for(str(market)) or PUBLIC_URL, proxy=endpoints.proxy)
