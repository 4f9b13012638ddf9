"""Where history comes from: one port that every venue fills, found by the venue's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from real_trade.model.errors import InputError
from real_trade.utils.registry import VENUE_HISTORY, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.model.instrument import Instrument, Market
    from real_trade.model.interval import Interval
    from real_trade.model.series import FundingRates, Klines, SeriesKind
    from real_trade.model.tiers import MarginTiers
    from real_trade.utils.http import Traffic


class VenueEndpoints(Protocol):
    """Where a venue is and how it is reached."""

    def rest_for(self, market: str) -> str | None:
        """Return the REST base URL of a market, or None for the venue's public one."""
        ...

    @property
    def proxy(self) -> str | None:
        """Return the proxy: None for the system's, empty text for none, else its address."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoints:
    """One address for every market of a venue.

    Attributes:
        rest_url: REST base URL; None for the venue's public ones.
        proxy: None for the system's, empty text for none, else its address.
    """

    rest_url: str | None = None
    proxy: str | None = None

    def rest_for(self, market: str) -> str | None:  # noqa: ARG002 - the same for every market
        """Return the one address."""
        return self.rest_url


class HistorySource(Protocol):
    """The history of one market at one venue. Every method may raise `VenueError` after bounded repeats.

    Attributes:
        venue: name of the venue.
        page_bars: bars in one page, at most.
        page_span_ms: longest span of one page, where the venue limits it.
        klines_url: address of the traded bars, for people.
        traffic: what was sent so far.
    """

    venue: str
    page_bars: int
    page_span_ms: int | None
    klines_url: str
    traffic: Traffic

    def on_wait(self, tell: Callable[[float, str], None] | None) -> None:
        """Have ``tell(seconds, reason)`` called whenever the venue makes all requests wait."""
        ...

    async def server_time_ms(self) -> int:
        """Return the venue's time."""
        ...

    async def instruments(self) -> list[Instrument]:
        """Return every instrument of the market."""
        ...

    async def tiers(self, symbol: str) -> MarginTiers | None:
        """Return the margin tiers of an instrument; None on spot, and where the venue tells nobody without a key.

        Raises:
            InputError: the tiers stated do not follow each other, or the venue has no such symbol.
        """
        ...

    async def klines(self, symbol: str, interval: Interval, from_ms: int, to_ms: int, kind: SeriesKind) -> Klines:
        """Return one page: the bars that open in ``[from_ms, to_ms)``, ascending, at most ``page_bars``.

        Raises:
            InputError: the venue has no such symbol (code ``unknown_symbol``), interval or kind.
        """
        ...

    async def first_open(self, symbol: str, kind: SeriesKind, from_ms: int) -> int | None:
        """Return a time not before ``from_ms`` and at most a day before the first bar there is; None without bars."""
        ...

    async def funding(self, symbol: str, from_ms: int, to_ms: int) -> FundingRates:
        """Return all settlements in ``[from_ms, to_ms)``, ascending; may take several requests."""
        ...

    async def close(self) -> None:
        """Give the connections back."""
        ...


def open_history(venue: str, market: Market, endpoints: VenueEndpoints) -> HistorySource:
    """Return the history of a market at a venue; nothing is sent yet.

    Raises:
        InputError: no such venue, or the venue has no such market.
        SafetyRefusal: the address is plain http and not on this machine.
    """
    try:
        open_ = cast("Callable[[VenueEndpoints, Market], HistorySource]", resolve(VENUE_HISTORY, venue))
    except KeyError as error:
        raise InputError(
            f"Unknown venue {venue!r}.",
            code="unknown_venue",
            field="venue",
            value=venue,
            fix=f"Use one of {', '.join(sorted(VENUE_HISTORY))}.",
        ) from error
    return open_(endpoints, market)


def configured_endpoints(
    venue: str, market: str, *, rest_url: str | None = None, proxy: str | None = None
) -> Endpoints:
    """Return what the arguments say and, where they are silent, the environment and the configuration."""
    from real_trade.utils.config import load_config

    config = load_config().config
    if venue not in VENUE_HISTORY:
        return Endpoints(rest_url, proxy)
    return Endpoints(
        rest_url=config.venue(venue).rest_for(market) if rest_url is None else rest_url,
        proxy=config.proxy_for(venue) if proxy is None else proxy,
    )
