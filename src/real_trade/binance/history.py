"""The history of one Binance market, page by page: spot, USD-M (linear) or COIN-M (inverse)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from real_trade.binance import wire
from real_trade.data.rows import joined_rates
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.interval import DAY_MS, Interval
from real_trade.model.series import SeriesKind
from real_trade.utils.http import HttpClient
from real_trade.utils.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.data.history import VenueEndpoints
    from real_trade.model.instrument import Instrument
    from real_trade.model.series import FundingRates, Klines
    from real_trade.utils.http import Answer, Traffic


@dataclass(frozen=True, slots=True)
class Desk:
    """How one of Binance's three houses is addressed and what it charges.

    Attributes:
        url: public base URL.
        root: path of every endpoint.
        weight_per_minute: allowance of one address.
        page_bars: bars of a page; the length with the least weight per bar.
        klines_weight: charge of such a page.
        info_weight: charge of the exchange information.
        span_ms: longest span of one page, where there is a limit.
    """

    url: str
    root: str
    weight_per_minute: int
    page_bars: int
    klines_weight: int
    info_weight: int
    span_ms: int | None = None


DESKS: Final = {
    Market.SPOT: Desk("https://api.binance.com", "/api/v3", 6000, 1000, 2, 20),
    Market.LINEAR: Desk("https://fapi.binance.com", "/fapi/v1", 2400, 499, 2, 1),
    Market.INVERSE: Desk("https://dapi.binance.com", "/dapi/v1", 2400, 499, 2, 1, span_ms=200 * DAY_MS),
}
_PATHS: Final = {
    SeriesKind.KLINE: "/klines",
    SeriesKind.MARK: "/markPriceKlines",
    SeriesKind.INDEX: "/indexPriceKlines",
}
_FUNDING_ROWS: Final = 1000
_BURST: Final = 20
_IN_FLIGHT: Final = 16


class BinanceHistory:
    """Fills `real_trade.data.history.HistorySource`.

    Args:
        market: chooses the house.
        rest_url: base URL without the path.
        proxy: as in `HttpClient`.
    """

    venue = "binance"

    def __init__(self, market: Market, rest_url: str | None = None, *, proxy: str | None = None) -> None:
        self._market = market
        self._desk = DESKS[market]
        self._client = HttpClient(
            rest_url or self._desk.url,
            self._make_pacer,
            allowance=(rest_url or self._desk.url) + self._desk.root,
            proxy=proxy,
            observe=self._observe,
        )
        self.page_bars = self._desk.page_bars
        self.page_span_ms = self._desk.span_ms
        self.klines_url = self._client.base_url + self._desk.root + _PATHS[SeriesKind.KLINE]
        self.traffic: Traffic = self._client.traffic

    def on_wait(self, tell: Callable[[float, str], None] | None) -> None:
        """Have ``tell(seconds, reason)`` called whenever all requests stop."""
        self._client.on_wait = tell

    async def server_time_ms(self) -> int:
        """Return the venue's time."""
        return await self._client.get(f"{self._desk.root}/time", {}, wire.read_time)

    async def instruments(self) -> list[Instrument]:
        """Return every instrument of the market that has a grid."""
        funding: dict[str, int] = {}
        if self._market is not Market.SPOT:
            funding = await self._client.get(f"{self._desk.root}/fundingInfo", {}, wire.read_funding_intervals)
        return await self._client.get(
            f"{self._desk.root}/exchangeInfo",
            {},
            lambda answer: wire.read_instruments(answer, self._market, funding),
            cost=self._desk.info_weight,
        )

    async def tiers(self, symbol: str) -> None:
        """Return None: Binance tells its leverage brackets only to who signs with a key."""

    async def klines(self, symbol: str, interval: Interval, from_ms: int, to_ms: int, kind: SeriesKind) -> Klines:
        """Return the bars that open in ``[from_ms, to_ms)``, at most ``page_bars``."""
        return await self._klines(symbol, interval, from_ms, to_ms, kind, self.page_bars)

    async def first_open(self, symbol: str, kind: SeriesKind, from_ms: int) -> int | None:
        """Return the day of the first bar. COIN-M counts from the end and sees 200 days: it is asked step by step."""
        day = Interval("1d")
        now_ms = await self.server_time_ms()
        step_ms = self.page_span_ms or now_ms
        start_ms = day.floor(from_ms)
        while start_ms <= now_ms:
            rows = 1 if self.page_span_ms is None else self.page_span_ms // DAY_MS
            page = await self._klines(symbol, day, start_ms, min(start_ms + step_ms, now_ms + 1), kind, rows)
            if len(page):
                return max(from_ms, int(page.timestamp[0]))
            start_ms += step_ms
        return None

    async def funding(self, symbol: str, from_ms: int, to_ms: int) -> FundingRates:
        """Return all settlements in ``[from_ms, to_ms)``; the venue gives the oldest 1,000 of a span."""
        if self._market is Market.SPOT:
            raise InputError("Spot has no funding.", code="unknown_kind", field="kind", value="funding")
        pages: list[FundingRates] = []
        start_ms = from_ms
        while start_ms < to_ms:
            params: dict[str, str | int] = {
                "symbol": symbol,
                "startTime": start_ms,
                "endTime": to_ms - 1,
                "limit": _FUNDING_ROWS,
            }
            page = await self._client.get(f"{self._desk.root}/fundingRate", params, wire.read_funding)
            pages.append(page)
            if len(page) < _FUNDING_ROWS:
                break
            start_ms = int(page.timestamp[-1]) + 1
        return joined_rates(pages)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def _klines(
        self, symbol: str, interval: Interval, from_ms: int, to_ms: int, kind: SeriesKind, rows: int
    ) -> Klines:
        if kind not in _PATHS or (kind is not SeriesKind.KLINE and self._market is Market.SPOT):
            raise InputError(
                f"Binance {self._market} has no {kind} bars.", code="unknown_kind", field="kind", value=str(kind)
            )
        if interval.name == "1s" and self._market is not Market.SPOT:
            raise InputError(
                f"Binance {self._market} has no 1s bars.", code="unknown_interval", field="interval", value="1s"
            )
        # The index belongs to the pair, which dated contracts of one underlying share.
        name = {"pair": symbol.partition("_")[0]} if kind is SeriesKind.INDEX else {"symbol": symbol}
        params: dict[str, str | int] = {
            **name,
            "interval": interval.name,
            "startTime": from_ms,
            "endTime": to_ms - 1,  # both ends are included
            "limit": rows,
        }
        read = wire.read_klines if kind is SeriesKind.KLINE else wire.read_price_klines
        page = await self._client.get(self._desk.root + _PATHS[kind], params, read, cost=self._desk.klines_weight)
        return page.between(from_ms, to_ms)

    def _make_pacer(self) -> Pacer:
        desk = self._desk
        return Pacer(desk.weight_per_minute, 60, burst=_BURST, in_flight=_IN_FLIGHT, cost_max=desk.klines_weight)

    def _observe(self, answer: Answer, pacer: Pacer) -> None:
        used = wire.used_weight(answer)
        if used is None:
            return
        left = self._desk.weight_per_minute - used
        pacer.left(left)
        if left <= _BURST + _IN_FLIGHT * self._desk.klines_weight:
            pacer.hold(wire.rest_of_minute_s(answer))


def open_history(endpoints: VenueEndpoints, market: Market) -> BinanceHistory:
    """Return the history of a market; nothing is sent yet."""
    return BinanceHistory(market, endpoints.rest_for(str(market)), proxy=endpoints.proxy)
