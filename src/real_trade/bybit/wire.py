"""Bybit v5 market data: payloads to model, as pure functions. Foreign shapes and codes stop here."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar
from urllib.parse import unquote

import msgspec

from real_trade.data.brackets import TierRow, bybit_row, day_of
from real_trade.data.rows import bars_of, rates_of
from real_trade.model.errors import InputError, RateLimited, VenueError
from real_trade.model.instrument import Instrument, Market
from real_trade.utils.http import Answer, Transient

if TYPE_CHECKING:
    from real_trade.model.series import FundingRates, Klines

Result = TypeVar("Result")

# Which codes mean what; the rest are errors of the request.
_TOO_MANY: Final = frozenset({10006, 10018, 10429})
_SERVER_TROUBLE: Final = frozenset({10000, 10016, 10019})
_BAN_S: Final = 600.0  # documented: ten minutes
_TOO_MANY_S: Final = 1.0  # where the answer does not tell
# First tier, as documented; a fraction of the value traded: (maker, taker).
_FEES: Final = {
    Market.SPOT: (Decimal("0.001"), Decimal("0.001")),
    Market.LINEAR: (Decimal("0.0002"), Decimal("0.00055")),
    Market.INVERSE: (Decimal("0.0002"), Decimal("0.00055")),
}
_KLINE = tuple[int, float, float, float, float, float, float]
_PRICE_KLINE = tuple[int, float, float, float, float]


class _Page(msgspec.Struct, Generic[Result], rename="camel"):
    rows: list[Result] = msgspec.field(name="list")
    next_page_cursor: str | None = None


class _Funding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_rate_timestamp: int


class _PriceFilter(msgspec.Struct, rename="camel"):
    tick_size: str = ""


class _LotFilter(msgspec.Struct, rename="camel"):
    qty_step: str = ""
    base_precision: str = ""
    min_order_qty: str = "0"
    min_notional_value: str = "0"
    min_order_amt: str = "0"


class _Instrument(msgspec.Struct, rename="camel"):
    symbol: str
    base_coin: str
    quote_coin: str
    price_filter: _PriceFilter
    lot_size_filter: _LotFilter
    settle_coin: str = ""
    funding_interval: int = 0


class _RiskLimit(msgspec.Struct, rename="camel"):
    symbol: str
    risk_limit_value: Decimal
    maintenance_margin: Decimal
    initial_margin: Decimal
    max_leverage: Decimal


class _Time(msgspec.Struct, rename="camel"):
    time_nano: int


class _Head(msgspec.Struct, rename="camel"):
    ret_code: int
    ret_msg: str = ""
    time: int = 0


class _Envelope(msgspec.Struct, Generic[Result], rename="camel"):
    ret_code: int
    result: Result
    ret_msg: str = ""


_HEAD: Final = msgspec.json.Decoder(_Head, strict=False)
_KLINES: Final = msgspec.json.Decoder(_Envelope[_Page[_KLINE]], strict=False)
_PRICE_KLINES: Final = msgspec.json.Decoder(_Envelope[_Page[_PRICE_KLINE]], strict=False)
_FUNDINGS: Final = msgspec.json.Decoder(_Envelope[_Page[_Funding]], strict=False)
_INSTRUMENTS: Final = msgspec.json.Decoder(_Envelope[_Page[_Instrument]], strict=False)
_RISK_LIMITS: Final = msgspec.json.Decoder(_Envelope[_Page[_RiskLimit]], strict=False)
_TIMES: Final = msgspec.json.Decoder(_Envelope[_Time], strict=False)


def read_time(answer: Answer) -> int:
    """Return the venue's time in ms."""
    return _decode(_TIMES, answer).time_nano // 1_000_000


def read_klines(answer: Answer) -> Klines:
    """Return traded bars, ascending; the venue sends them newest first."""
    return bars_of(_decode(_KLINES, answer).rows, newest_first=True)


def read_price_klines(answer: Answer) -> Klines:
    """Return mark or index bars, ascending; they have no volume."""
    return bars_of(_decode(_PRICE_KLINES, answer).rows, newest_first=True)


def read_funding(answer: Answer) -> FundingRates:
    """Return one page of settlements, ascending."""
    return rates_of((row.funding_rate_timestamp, row.funding_rate) for row in _decode(_FUNDINGS, answer).rows)


def read_instruments(answer: Answer, market: Market) -> tuple[list[Instrument], str]:
    """Return one page of instruments and the cursor of the next, empty on the last."""
    page = _decode(_INSTRUMENTS, answer)
    found = [_instrument(row, market) for row in page.rows]
    # The cursor comes percent-encoded; it is sent back through an encoder.
    cursor = unquote(page.next_page_cursor or "")
    return [instrument for instrument in found if instrument is not None], cursor


def read_risk_limits(answer: Answer, symbol: str) -> tuple[list[TierRow], str]:
    """Return one page of the tiers of a symbol and the cursor of the next, empty on the last."""
    page = _decode(_RISK_LIMITS, answer)
    rows = [
        bybit_row(row.risk_limit_value, row.maintenance_margin, row.initial_margin, row.max_leverage)
        for row in page.rows
        if row.symbol == symbol
    ]
    return rows, unquote(page.next_page_cursor or "")


def read_day(answer: Answer) -> str:
    """Return the day on which the venue answered, empty where it does not say."""
    head = _head(answer)
    return day_of(head.time) if head is not None else ""


def pause_s(answer: Answer) -> float:
    """Return how long to wait because the allowance is nearly used up; 0 when it is not, or nothing is said."""
    limit = answer.headers.get("X-Bapi-Limit", "")
    left = answer.headers.get("X-Bapi-Limit-Status", "")
    if not (limit.isdigit() and left.isdigit()) or int(left) * 50 >= int(limit):
        return 0.0
    return _wait_s(answer, 0.1)


def _instrument(row: _Instrument, market: Market) -> Instrument | None:
    lot = row.lot_size_filter
    maker, taker = _FEES[market]
    spot = market is Market.SPOT
    try:
        return Instrument(
            venue="bybit",
            symbol=row.symbol,
            market=market,
            base=row.base_coin,
            quote=row.quote_coin,
            settle=row.quote_coin if spot else row.settle_coin,
            tick_size=Decimal(row.price_filter.tick_size),
            quantity_step=Decimal(lot.base_precision if spot else lot.qty_step),
            min_quantity=Decimal(lot.min_order_qty),
            min_notional=Decimal((lot.min_order_amt if spot else lot.min_notional_value) or "0"),
            funding_interval_minutes=0 if spot else row.funding_interval,
            maker_fee=maker,
            taker_fee=taker,
        )
    except (InvalidOperation, InputError):
        # Symbols that are announced but not yet open carry no grid; nobody can trade them.
        return None


def _decode(decoder: msgspec.json.Decoder[_Envelope[Result]], answer: Answer) -> Result:
    """Return the result, or raise what the status and the code mean."""
    if answer.status != 200:
        _raise_status(answer)
    try:
        envelope = decoder.decode(answer.body)
    except msgspec.MsgspecError as error:
        # An error's result has another shape, or none: look at its code before calling it nonsense.
        head = _head(answer)
        if head is None or head.ret_code == 0:
            raise Transient(f"the answer cannot be read: {error}") from error
        _raise_code(answer, head)
    if envelope.ret_code != 0:
        _raise_code(answer, _Head(envelope.ret_code, envelope.ret_msg))
    return envelope.result


def _head(answer: Answer) -> _Head | None:
    try:
        return _HEAD.decode(answer.body)
    except msgspec.MsgspecError:
        return None


def _raise_status(answer: Answer) -> NoReturn:
    text = answer.body[:200].decode(errors="replace").strip()
    if answer.status == 403 and ("country" in text.lower() or "region" in text.lower()):
        raise VenueError(
            "Bybit does not answer requests from this country.",
            code="venue_restricted",
            field="proxy",
            fix="Use another venue, or a proxy from where it answers.",
        )
    if answer.status == 403:
        raise RateLimited("Bybit's limit per address was passed (HTTP 403)", retry_after_s=_wait_s(answer, _BAN_S))
    if answer.status == 429:
        raise RateLimited("Bybit protects itself (HTTP 429)", retry_after_s=_wait_s(answer, _TOO_MANY_S))
    head = _head(answer)
    if head is not None and head.ret_code != 0:
        _raise_code(answer, head)
    raise VenueError(f"Bybit answered HTTP {answer.status}: {text}.", field="rest_url", fix="Check the address.")


def _raise_code(answer: Answer, head: _Head) -> NoReturn:
    if head.ret_code in _TOO_MANY:
        raise RateLimited(f"Bybit said {head.ret_code} {head.ret_msg}", retry_after_s=_wait_s(answer, _TOO_MANY_S))
    if head.ret_code in _SERVER_TROUBLE:
        raise Transient(f"Bybit said {head.ret_code} {head.ret_msg}")
    message = f"Bybit refused the request: {head.ret_code} {head.ret_msg}."
    if "symbol" in head.ret_msg.lower() or head.ret_code == 170121:
        raise InputError(message, code="unknown_symbol", field="symbol")
    raise VenueError(message, value=head.ret_code)


def _wait_s(answer: Answer, otherwise: float) -> float:
    """Return how long to wait: what the headers say, else the documented time."""
    after = answer.headers.get("Retry-After", "")
    if after.isdigit():
        return float(after)
    reset = answer.headers.get("X-Bapi-Limit-Reset-Timestamp", "")
    stamp = answer.headers.get("Timenow", "")
    now_ms = int(stamp) if stamp.isdigit() else answer.now_ms()
    if reset.isdigit() and now_ms is not None and int(reset) > now_ms:
        # A little longer: the far side's clock counts in steps, and ours may be behind.
        return (int(reset) - now_ms) / 1000 + 0.05
    return otherwise
