"""Instrument facts: from the store, a file, the table of major symbols, or, said as such, guessed from prices."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from real_trade.model.errors import InputError
from real_trade.model.instrument import Instrument, Market

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.series import Klines
    from real_trade.storage.ports import TimeSeriesStore

InstrumentSource = Literal["store", "file", "table", "inferred"]

_TABLE: Final = Path(__file__).with_name("instruments.json")
_QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "BTC", "ETH", "BNB")
_AMOUNTS: Final = frozenset(
    {"tick_size", "quantity_step", "min_quantity", "min_notional", "contract_value", "maker_fee", "taker_fee"}
)
# Where at least this share of prices is off the table's grid, the venue had another grid then.
_OTHER_GRID_SHARE: Final = 0.25
_MOST_DECIMALS: Final = 10


def resolve_instrument(
    venue: str,
    market: Market,
    symbol: str,
    *,
    store: TimeSeriesStore | None = None,
    file: Path | None = None,
    klines: Klines | None = None,
) -> tuple[Instrument, InstrumentSource]:
    """Return the facts of an instrument and where they come from.

    A file is asked first, then the store, then the table; else the grid is guessed from prices. Guessed grids, in the
    store too, and those of the table give way to prices that do not lie on them: venues change their grids, and the
    table knows only one.

    Args:
        venue, market, symbol: the instrument.
        store: what was downloaded or imported before.
        file: JSON with the fields of `Instrument`, see `read_instrument_file`.
        klines: bars to guess from.

    Raises:
        InputError: none of them knows the symbol; names similar ones.
    """
    symbol = symbol.upper()
    if file is not None:
        return read_instrument_file(file, venue, market, symbol), "file"
    stored = store.read_instrument(venue, market, symbol) if store is not None else None
    if stored is not None and not stored.inferred:
        return stored, "store"
    known = stored or _table().get((venue, market, symbol))
    source: InstrumentSource = "store" if stored is not None else "table"
    if klines is None or not len(klines):
        if known is None:
            raise _unknown(venue, market, symbol)
        return known, source
    if known is None:
        return _inferred(venue, market, symbol, klines), "inferred"
    off = off_grid(klines, known.tick_size)
    share = sum(len(rows) for rows in off.values()) / (4 * len(klines))
    if share == 0 or (share < _OTHER_GRID_SHARE and not known.inferred):
        return known, source
    finest = min(infer_tick(klines), known.tick_size)
    return replace(known, tick_size=finest, inferred=True), "inferred"


def off_grid(klines: Klines, tick_size: Decimal) -> dict[str, NDArray[np.int64]]:
    """Return, per price column, the rows whose price is no multiple of the tick."""
    found = {}
    for name in ("open", "high", "low", "close"):
        prices: NDArray[np.float64] = getattr(klines, name)
        # Dividing by a decimal tick by multiplying with its whole inverse keeps decimal prices on their grid.
        steps = prices / float(tick_size) if tick_size >= 1 else prices * float(1 / tick_size)
        rows = np.flatnonzero(~(np.abs(steps - np.rint(steps)) < 1e-3))
        if len(rows):
            found[name] = rows
    return found


def infer_tick(klines: Klines) -> Decimal:
    """Return the largest 1, 2 or 5 times a power of ten that every price is a multiple of."""
    prices = np.concatenate([klines.open, klines.high, klines.low, klines.close])
    prices = prices[np.isfinite(prices) & (prices > 0)]
    places = _decimals(prices)
    steps = np.rint(prices * 10.0**places).astype(np.int64)
    common = int(np.gcd.reduce(steps)) if len(steps) else 1
    unit = Decimal(1).scaleb(-places)
    # A handful of prices has large common factors by chance.
    largest = Decimal(str(float(prices.min()))) / 1000 if len(prices) else unit
    best = unit
    power = 1
    while common % power == 0:
        for factor in (1, 2, 5):
            if common % (power * factor) == 0 and unit * power * factor <= max(largest, unit):
                best = max(best, unit * power * factor)
        power *= 10
    return best


def _inferred(venue: str, market: Market, symbol: str, klines: Klines) -> Instrument:
    base, quote = _currencies(symbol)
    volumes = klines.volume[np.isfinite(klines.volume)]
    step = Decimal(1).scaleb(-_decimals(volumes, share=0.999, most=8))
    block = _blocks().get((venue, market), {})
    return Instrument(
        venue=venue,
        symbol=symbol,
        market=market,
        base=base,
        quote=quote,
        settle=base if market is Market.INVERSE else quote,
        tick_size=infer_tick(klines),
        quantity_step=step,
        min_quantity=step,
        funding_interval_minutes=0 if market is Market.SPOT else 480,
        maker_fee=Decimal(block.get("maker_fee", "0.001")),
        taker_fee=Decimal(block.get("taker_fee", "0.001")),
        inferred=True,
    )


def _decimals(values: NDArray[np.float64], *, share: float = 1.0, most: int = _MOST_DECIMALS) -> int:
    """Return the fewest decimals that write this share of the values."""
    for places in range(most):
        scaled = values * 10.0**places
        exact = np.abs(scaled - np.rint(scaled)) <= np.maximum(2e-15 * np.abs(scaled), 1e-6)
        if exact.mean() >= share if len(values) else True:
            return places
    return most


def _currencies(symbol: str) -> tuple[str, str]:
    stem = symbol.partition("_")[0].partition("-")[0]
    for quote in _QUOTES:
        if stem.endswith(quote) and len(stem) > len(quote):
            return stem[: -len(quote)], quote
    return stem, "USDT"


def read_instrument_file(path: Path, venue: str, market: Market, symbol: str) -> Instrument:
    """Read instrument facts from JSON.

    One object with the fields of `Instrument`; amounts as text or numbers. Required are ``tick_size`` and
    ``quantity_step``. ``venue``, ``market`` and ``symbol`` may be left out and must be those asked for if given.

    Raises:
        InputError: not such a file; names the field.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    except OSError as error:
        raise _bad_file(path, "file", path.name, error.strerror or str(error)) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise _bad_file(path, "file", path.name, f"it is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise _bad_file(path, "file", path.name, "it is not one JSON object")
    known = {item.name for item in fields(Instrument)} - {"inferred"}
    for name in content:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise _bad_file(path, name, content[name], f"the field {name} is not known{hint}")
    for name in ("tick_size", "quantity_step"):
        if name not in content:
            raise _bad_file(path, name, None, f"{name} is missing")
    asked = {"venue": venue, "market": str(market), "symbol": symbol}
    for name, value in asked.items():
        if str(content.get(name, value)).lower() != value.lower():
            raise _bad_file(path, name, content[name], f"{name} is {content[name]}, but {value} was asked for")
    return _from_fields(path, content, venue, market, symbol)


def _from_fields(path: Path, content: dict[str, Any], venue: str, market: Market, symbol: str) -> Instrument:
    base, quote = _currencies(symbol)
    base, quote = str(content.get("base", base)), str(content.get("quote", quote))
    amounts: dict[str, Any] = {}
    for name in _AMOUNTS & content.keys():
        try:
            amounts[name] = Decimal(str(content[name]))
        except InvalidOperation:
            raise _bad_file(path, name, content[name], f"{name} is not a number") from None
        if not amounts[name].is_finite() or (amounts[name] < 0 and name != "maker_fee"):
            raise _bad_file(path, name, content[name], f"{name} cannot be {content[name]}")
    amounts.setdefault("min_quantity", amounts["quantity_step"])
    try:
        minutes = int(content.get("funding_interval_minutes", 0 if market is Market.SPOT else 480))
    except (TypeError, ValueError):
        value = content["funding_interval_minutes"]
        raise _bad_file(path, "funding_interval_minutes", value, "funding_interval_minutes is not a number") from None
    return Instrument(
        venue=venue,
        symbol=symbol,
        market=market,
        base=base,
        quote=quote,
        settle=str(content.get("settle", base if market is Market.INVERSE else quote)),
        funding_interval_minutes=minutes,
        **amounts,
    )


def _bad_file(path: Path, field: str, value: object, why: str) -> InputError:
    return InputError(
        f"The instrument file {path.name} cannot be used: {why}.",
        code="bad_instrument",
        field=field,
        value=value,
        fix='Write JSON such as {"tick_size": "0.01", "quantity_step": "0.001"}.',
    )


@dataclass(frozen=True, slots=True)
class _Row:
    symbol: str
    base: str
    quote: str
    settle: str
    tick_size: str
    quantity_step: str
    min_quantity: str
    min_notional: str
    contract_value: str


@cache
def _blocks() -> dict[tuple[str, Market], dict[str, Any]]:
    content = json.loads(_TABLE.read_text(encoding="utf-8"))
    return {(block["venue"], Market(block["market"])): block for block in content["markets"]}


@cache
def _table() -> dict[tuple[str, Market, str], Instrument]:
    table = {}
    for (venue, market), block in _blocks().items():
        for values in block["rows"]:
            row = _Row(**dict(zip(block["columns"], values, strict=True)))
            table[venue, market, row.symbol] = Instrument(
                venue=venue,
                symbol=row.symbol,
                market=market,
                base=row.base,
                quote=row.quote,
                settle=row.settle,
                tick_size=Decimal(row.tick_size),
                quantity_step=Decimal(row.quantity_step),
                min_quantity=Decimal(row.min_quantity),
                min_notional=Decimal(row.min_notional),
                contract_value=Decimal(row.contract_value),
                funding_interval_minutes=block["funding_interval_minutes"],
                maker_fee=Decimal(block["maker_fee"]),
                taker_fee=Decimal(block["taker_fee"]),
            )
    return table


def major_symbols(venue: str, market: Market) -> tuple[str, ...]:
    """Return the symbols of the committed table for one market, in alphabetical order."""
    return tuple(sorted(symbol for v, m, symbol in _table() if (v, m) == (venue, market)))


def _unknown(venue: str, market: Market, symbol: str) -> InputError:
    near = get_close_matches(symbol, major_symbols(venue, market), n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return InputError(
        f"Symbol {symbol} is not known on {venue} {market}.",
        code="unknown_symbol",
        field="symbol",
        value=symbol,
        fix=f"{hint}Download it, or describe it with --instrument FILE.",
    )
