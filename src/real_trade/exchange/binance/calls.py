"""A request to one of the three markets, and how its parameters are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from real_trade.exchange.answers import Answer
from real_trade.exchange.binance.refusals import Refusal, illegal, missing
from real_trade.exchange.pages import CLEAN, Blemish
from real_trade.exchange.words import whole_number
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SYMBOL: Final = re.compile(r"[A-Z0-9-_.]{1,20}")
_NUMBER: Final = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?")
# Paths of one host, and of those that the market's own host would have.
PREFIXES: Final = {
    "/api/v3/": (Market.SPOT, ""),
    "/sapi/v1/": (Market.SPOT, "sapi/"),
    "/fapi/v1/": (Market.LINEAR, ""),
    "/fapi/v2/": (Market.LINEAR, "v2/"),
    "/fapi/v3/": (Market.LINEAR, "v3/"),
    "/eapi/v1/": (Market.LINEAR, "eapi/"),
    "/dapi/v1/": (Market.INVERSE, ""),
    "/dapi/v2/": (Market.INVERSE, "v2/"),
}
# Statistics of both futures; each has them on its own host.
STATISTICS: Final = "/futures/data/"
FOLDERS: Final = {Market.SPOT: "/spot", Market.LINEAR: "/usdm", Market.INVERSE: "/coinm"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        market: which one.
        method: HTTP's; of a socket's request the one that REST would have.
        name: of the endpoint, with the version in front where it is not the first.
        params: of query and body.
        blemish: what a fault does to rows.
        account: who asks; 0 for nobody in particular.
        key: of who asks.
    """

    market: Market
    method: str
    name: str
    params: Mapping[str, str]
    blemish: Blemish = field(default=CLEAN)
    account: int = 0
    key: str = ""

    @property
    def is_spot(self) -> bool:
        """Tell whether it is for the spot market."""
        return self.market is Market.SPOT


if TYPE_CHECKING:
    Handler = Callable[[Call], Any]


def endpoint(path: str) -> tuple[Market, str] | None:
    """Return market and name of a path; None where nothing is.

    >>> endpoint("/usdm/fapi/v2/balance")
    (<Market.LINEAR: 'linear'>, 'v2/balance')
    """
    home = None
    for each, folder in FOLDERS.items():
        if path.startswith(f"{folder}/"):
            home, path = each, path.removeprefix(folder)
            break
    if path.startswith(STATISTICS):
        return home or Market.LINEAR, f"data/{path.removeprefix(STATISTICS)}"
    for prefix, (market, version) in PREFIXES.items():
        if path.startswith(prefix):
            return market, version + path[len(prefix) :]
    return None


def ok(result: object, rows: int = 0) -> Answer:
    """Return an answer that carries a result."""
    return Answer(200, msgspec.json.encode(result), rows=rows)


def error(status: int, code: int, message: str, data: dict[str, Any] | None = None) -> Answer:
    """Return an answer that carries a code."""
    body: dict[str, Any] = {"code": code, "msg": message}
    return Answer(status, msgspec.json.encode(body if data is None else body | {"data": data}), code)


def given(call: Call, name: str) -> bool:
    """Tell whether a parameter was sent with a value."""
    return call.params.get(name, "") != ""


def symbol_of(call: Call, name: str = "symbol") -> str:
    """Return the symbol that a parameter names.

    Raises:
        Refusal: it names none.
    """
    text = call.params.get(name, "")
    if not text:
        raise missing(name)
    if not _SYMBOL.fullmatch(text):
        raise illegal(name, "^[A-Z0-9-_.]{1,20}$")
    return text


def whole(params: Mapping[str, str], name: str) -> int | None:
    """Return a parameter as a whole number, None where it was not sent.

    Raises:
        Refusal: it is none.
    """
    text = params.get(name)
    if text is None or text == "":
        return None
    value = whole_number(text)
    if value is None or value < 0:
        raise illegal(name, "^[0-9]{1,20}$")
    return value


def page_size(call: Call, default: int, most: int) -> int:
    """Return the page size; spot cuts too large a wish, futures refuse it.

    Raises:
        Refusal: none that can be served.
    """
    limit = whole(call.params, "limit")
    if limit is None:
        return default
    if limit < 1 or (limit > most and not call.is_spot):
        raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)


def span_of(call: Call) -> tuple[int, int]:
    """Return first and last time asked for.

    Raises:
        Refusal: the end is before the start.
    """
    start, end = whole(call.params, "startTime"), whole(call.params, "endTime")
    if start is not None and end is not None and start > end:
        raise Refusal(-1023, "Start time is greater than end time.")
    return start or 0, 2**62 if end is None else end


def number(call: Call, name: str) -> Decimal:
    """Return a parameter as a number.

    Raises:
        Refusal: it was not sent, or is none.
    """
    text = call.params.get(name, "")
    if not text:
        raise missing(name)
    # Python writes 0.00001 as 1e-05, which the venue does not read.
    if not _NUMBER.fullmatch(text) or Decimal(text).adjusted() > 18:
        raise illegal(name, f"^{_NUMBER.pattern}$")
    return Decimal(text)


def flag(call: Call, name: str) -> bool:
    """Return a parameter as a yes or no; no where it was not sent.

    Raises:
        Refusal: it is neither.
    """
    text = call.params.get(name, "").lower()
    if text not in {"", "true", "false"}:
        raise Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
    return text == "true"


_WRONG: Final = {
    "side": (-1117, "Invalid side."),
    "type": (-1116, "Invalid orderType."),
    "timeInForce": (-1115, "Invalid timeInForce."),
    "newOrderRespType": (-1136, "Invalid newOrderRespType."),
}


def choice(call: Call, name: str, words: tuple[str, ...], default: str | None = None) -> str:
    """Return a parameter that is one of some words.

    Raises:
        Refusal: it is none of them.
    """
    word = call.params.get(name, "")
    if not word:
        if default is None:
            raise missing(name)
        return default
    if word not in words:
        raise Refusal(*_WRONG.get(name, (-1130, f"Data sent for parameter '{name}' is not valid.")))
    return word
