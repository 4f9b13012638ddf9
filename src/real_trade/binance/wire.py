"""Binance market data: payloads to model, as pure functions. Foreign shapes and codes stop here."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import msgspec

from real_trade.data.rows import bars_of, rates_of
from real_trade.model.errors import InputError, RateLimited, VenueError
from real_trade.model.instrument import Instrument, Market
from real_trade.utils.http import Answer, Transient

if TYPE_CHECKING:
    from real_trade.model.series import FundingRates, Klines

Result = TypeVar("Result")

_UNKNOWN_SYMBOL: Final = frozenset({-1121, -1122})
_SERVER_TROUBLE: Final = frozenset({-1000, -1001, -1006, -1007, -1008, -1016})
_TOO_MANY: Final = frozenset({-1003, -1015})
# Where the answer does not tell: the weight is counted per minute; a ban lasts two minutes at least.
_TOO_MANY_S: Final = 60.0
_BAN_S: Final = 120.0
_FUNDING_MINUTES: Final = 480
# First tier, as documented; a fraction of the value traded: (maker, taker).
_FEES: Final = {
    Market.SPOT: (Decimal("0.001"), Decimal("0.001")),
    Market.LINEAR: (Decimal("0.0002"), Decimal("0.0005")),
    Market.INVERSE: (Decimal("0.0002"), Decimal("0.0005")),
}
# Open time, open, high, low, close, volume, close time, quote volume (COIN-M: base volume), four more.
_KLINE = tuple[int, float, float, float, float, float, int, float, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw]
# Mark and index bars have the same columns, but only the first five and the close time mean something.
_PRICE_KLINE = tuple[
    int, float, float, float, float, msgspec.Raw, int, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw, msgspec.Raw
]


class _Refusal(msgspec.Struct):
    code: int
    msg: str = ""


class _Time(msgspec.Struct, rename="camel"):
    server_time: int


class _Funding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_time: int


class _FundingInfo(msgspec.Struct, rename="camel"):
    symbol: str
    funding_interval_hours: int


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str = ""
    tick_size: str | None = None
    step_size: str | None = None
    min_qty: str | None = None
    min_notional: str | None = None
    notional: str | None = None


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str
    quote_asset: str
    filters: list[_Filter]
    margin_asset: str = ""
    contract_type: str = ""
    contract_size: Decimal = Decimal(1)


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


_REFUSAL: Final = msgspec.json.Decoder(_Refusal)
_TIMES: Final = msgspec.json.Decoder(_Time)
_KLINES: Final = msgspec.json.Decoder(list[_KLINE], strict=False)
_PRICE_KLINES: Final = msgspec.json.Decoder(list[_PRICE_KLINE], strict=False)
_FUNDINGS: Final = msgspec.json.Decoder(list[_Funding], strict=False)
_FUNDING_INFOS: Final = msgspec.json.Decoder(list[_FundingInfo], strict=False)
_EXCHANGE: Final = msgspec.json.Decoder(_ExchangeInfo, strict=False)


def read_time(answer: Answer) -> int:
    """Return the venue's time in ms."""
    return _decode(_TIMES, answer).server_time


def read_klines(answer: Answer) -> Klines:
    """Return traded bars, ascending. Volume is in base, turnover in quote (COIN-M: contracts and base)."""
    return bars_of([(*row[:6], row[7]) for row in _decode(_KLINES, answer)])


def read_price_klines(answer: Answer) -> Klines:
    """Return mark or index bars, ascending; they have no volume."""
    return bars_of([row[:5] for row in _decode(_PRICE_KLINES, answer)])


def read_funding(answer: Answer) -> FundingRates:
    """Return one page of settlements, ascending."""
    return rates_of((row.funding_time, row.funding_rate) for row in _decode(_FUNDINGS, answer))


def read_funding_intervals(answer: Answer) -> dict[str, int]:
    """Return minutes between settlements of the symbols that differ from eight hours."""
    return {row.symbol: 60 * row.funding_interval_hours for row in _decode(_FUNDING_INFOS, answer)}


def read_instruments(answer: Answer, market: Market, funding: dict[str, int] | None = None) -> list[Instrument]:
    """Return every instrument that has a grid.

    Args:
        answer: exchange information.
        market: whose.
        funding: minutes between settlements where they differ from eight hours.
    """
    found = [_instrument(row, market, funding or {}) for row in _decode(_EXCHANGE, answer).symbols]
    return [instrument for instrument in found if instrument is not None]


def used_weight(answer: Answer) -> int | None:
    """Return the weight used in the venue's current minute; None where it does not say."""
    text = answer.headers.get("X-MBX-USED-WEIGHT-1M", "")
    return int(text) if text.isdigit() else None


def rest_of_minute_s(answer: Answer) -> float:
    """Return the seconds until the venue counts anew, by the date of its answer."""
    # The date counts whole seconds of the answer itself: a late answer of the last minute does not stop the next one.
    said_ms = answer.date_ms()
    return _TOO_MANY_S if said_ms is None else 61.0 - said_ms % 60_000 / 1000


def _instrument(row: _Symbol, market: Market, funding: dict[str, int]) -> Instrument | None:
    price = _one(row, "PRICE_FILTER")
    lot = _one(row, "LOT_SIZE")
    notional = next((f for f in row.filters if f.filter_type in {"NOTIONAL", "MIN_NOTIONAL"}), _Filter())
    maker, taker = _FEES[market]
    perpetual = row.contract_type == "PERPETUAL"
    try:
        return Instrument(
            venue="binance",
            symbol=row.symbol,
            market=market,
            base=row.base_asset,
            quote=row.quote_asset,
            settle=row.margin_asset or row.quote_asset,
            tick_size=Decimal(price.tick_size or "0").normalize(),
            quantity_step=Decimal(lot.step_size or "0").normalize(),
            min_quantity=Decimal(lot.min_qty or "0").normalize(),
            min_notional=Decimal(notional.min_notional or notional.notional or "0").normalize(),
            contract_value=row.contract_size,
            funding_interval_minutes=funding.get(row.symbol, _FUNDING_MINUTES) if perpetual else 0,
            maker_fee=maker,
            taker_fee=taker,
        )
    except (InvalidOperation, InputError):
        # Symbols that are announced but not yet open carry no grid; nobody can trade them.
        return None


def _one(row: _Symbol, kind: str) -> _Filter:
    return next((f for f in row.filters if f.filter_type == kind), _Filter())


def _decode(decoder: msgspec.json.Decoder[Result], answer: Answer) -> Result:
    """Return the payload, or raise what the status and the code mean."""
    if answer.status != 200:
        _raise_status(answer)
    try:
        return decoder.decode(answer.body)
    except msgspec.MsgspecError as error:
        raise Transient(f"the answer cannot be read: {error}") from error


def _raise_status(answer: Answer) -> NoReturn:
    refusal = _refusal(answer)
    text = f"{refusal.code} {refusal.msg}".rstrip(".") if refusal else f"HTTP {answer.status}"
    if answer.status == 451:
        raise VenueError(
            "Binance does not answer requests from this country.",
            code="venue_restricted",
            field="proxy",
            fix="Use another venue, or a proxy from where it answers.",
        )
    if answer.status in {403, 418}:
        raise RateLimited(f"Binance bans this address (HTTP {answer.status})", retry_after_s=_wait_s(answer, _BAN_S))
    if answer.status == 429 or (refusal is not None and refusal.code in _TOO_MANY):
        raise RateLimited(f"Binance said {text}", retry_after_s=_wait_s(answer, _TOO_MANY_S))
    if refusal is not None and refusal.code in _SERVER_TROUBLE:
        raise Transient(f"Binance said {text}")
    if refusal is not None and refusal.code in _UNKNOWN_SYMBOL:
        raise InputError(f"Binance refused the request: {text}.", code="unknown_symbol", field="symbol")
    raise VenueError(f"Binance refused the request: {text}.", value=refusal.code if refusal else answer.status)


def _refusal(answer: Answer) -> _Refusal | None:
    try:
        return _REFUSAL.decode(answer.body)
    except msgspec.MsgspecError:
        return None


def _wait_s(answer: Answer, otherwise: float) -> float:
    after = answer.headers.get("Retry-After", "")
    return float(after) if after.isdigit() else otherwise
