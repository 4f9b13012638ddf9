"""What the rehearsal market lists: symbols, grids and first-tier fees, by venue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from real_trade.model import InputError, Instrument, Market

QUOTES: Final = ("USDT", "USDC", "USD")


@dataclass(frozen=True, slots=True)
class Underlying:
    """One coin of the rehearsal market.

    Attributes:
        price: price in dollars that the market starts near.
        turnover: dollars traded per minute on an ordinary perpetual.
        tick, spot_tick: price steps of perpetuals and of spot.
        step, spot_step: quantity steps of linear perpetuals and of spot, in the coin.
    """

    price: float
    turnover: float
    tick: str
    spot_tick: str
    step: str
    spot_step: str


UNDERLYINGS: Final[dict[str, Underlying]] = {
    "BTC": Underlying(42_000.0, 4_000_000.0, "0.1", "0.01", "0.001", "0.000001"),
    "ETH": Underlying(2_300.0, 2_000_000.0, "0.01", "0.01", "0.01", "0.00001"),
    "SOL": Underlying(98.0, 700_000.0, "0.01", "0.01", "0.1", "0.001"),
    "BNB": Underlying(310.0, 300_000.0, "0.1", "0.1", "0.01", "0.001"),
    "XRP": Underlying(0.61, 400_000.0, "0.0001", "0.0001", "1", "0.1"),
    "DOGE": Underlying(0.089, 300_000.0, "0.00001", "0.00001", "1", "1"),
}
_FEES: Final[dict[tuple[str, Market], tuple[str, str]]] = {
    ("bybit", Market.SPOT): ("0.001", "0.001"),
    ("bybit", Market.LINEAR): ("0.0002", "0.00055"),
    ("bybit", Market.INVERSE): ("0.0002", "0.00055"),
    ("binance", Market.SPOT): ("0.001", "0.001"),
    ("binance", Market.LINEAR): ("0.0002", "0.0005"),
    ("binance", Market.INVERSE): ("0.0002", "0.0005"),
}


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote of a symbol such as ``BTCUSDT``, ``BTCUSD`` or ``BTCUSD_PERP``.

    Raises:
        InputError: the quote is none of those listed here.
    """
    word = symbol.upper().removesuffix("_PERP")
    for quote in QUOTES:
        base = word.removesuffix(quote)
        if base and base != word:
            return base, quote
    raise InputError(
        f"Symbol {symbol!r} has no known quote currency.",
        code="unknown_symbol",
        field="symbols",
        value=symbol,
        fix=f"End it with one of {', '.join(QUOTES)}, such as BTCUSDT.",
    )


def decimals_of(step: Decimal) -> int:
    """Return how many decimals every multiple of a step can be written with."""
    return max(0, -int(step.normalize().as_tuple().exponent))


def listed(venue: str, symbols: tuple[str, ...]) -> list[Instrument]:
    """Return the instruments of the rehearsal market: dollars are inverse, stablecoins are spot and linear."""
    found: dict[tuple[Market, str], Instrument] = {}
    for symbol in symbols:
        base, quote = split_symbol(symbol)
        if base not in UNDERLYINGS:
            raise InputError(
                f"The rehearsal market has no coin {base!r}.",
                code="unknown_symbol",
                field="symbols",
                value=symbol,
                fix=f"Use one of {', '.join(UNDERLYINGS)}.",
            )
        markets = (Market.INVERSE,) if quote == "USD" else (Market.SPOT, Market.LINEAR)
        for market in markets:
            instrument = _instrument(venue, market, base, quote)
            found[market, instrument.symbol] = instrument
    return list(found.values())


def _instrument(venue: str, market: Market, base: str, quote: str) -> Instrument:
    coin = UNDERLYINGS[base]
    spot = market is Market.SPOT
    step = {Market.SPOT: coin.spot_step, Market.LINEAR: coin.step, Market.INVERSE: "1"}[market]
    tick = coin.spot_tick if spot else coin.tick
    contract = "1"
    symbol = base + quote
    if market is Market.INVERSE and venue == "binance":
        contract = "100" if base == "BTC" else "10"
        symbol += "_PERP"
    maker, taker = _FEES[venue, market]
    return Instrument(
        venue,
        symbol,
        market,
        base,
        quote,
        base if market is Market.INVERSE else quote,
        tick_size=Decimal(tick),
        quantity_step=Decimal(step),
        min_quantity=Decimal(step),
        min_notional=Decimal(0 if market is Market.INVERSE else 5),
        contract_value=Decimal(contract),
        funding_interval_minutes=0 if spot else 480,
        maker_fee=Decimal(maker),
        taker_fee=Decimal(taker),
    )
