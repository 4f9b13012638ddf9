"""Commands as REST and the trade socket share them: one or many at a time, at an account's pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.parameters import plain_parameters
from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, TooFast, bad

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from real_trade.exchange.bybit.trading import Trading
    from real_trade.exchange.limits import Pace
    from real_trade.model import Clock

    Handler = Callable[[int, Mapping[str, Any]], Any]

# Most orders in one batch: spot, and contracts.
_BATCH: Final = {"spot": 10, "linear": 20, "inverse": 20, "option": 20}
# Requests per second and account, of contracts and of spot.
_PACES: Final = {
    "create": (10, 20),
    "amend": (10, 10),
    "cancel": (10, 20),
    "cancel-all": (10, 20),
    "batch": (10, 20),
    "orders": (50, 50),
    "history": (50, 50),
    "executions": (50, 50),
    "positions": (50, 50),
    "wallet": (50, 50),
    "leverage": (10, 10),
    "mode": (10, 10),
    "stop": (10, 10),
    "fee": (5, 10),
    "info": (50, 50),
    "key": (10, 10),
    "margin-mode": (5, 5),
    "dcp": (5, 5),
}


class Commands:
    """The commands and their limits.

    Args:
        trading: the order desk.
        clock: the venue's own.
        pace: requests per second and account; None for no limit.
    """

    def __init__(self, trading: Trading, clock: Clock, pace: Pace | None) -> None:
        self._trading, self._clock, self._paces = trading, clock, pace
        self.calls: dict[str, Handler] = {"create": trading.create, "amend": trading.amend, "cancel": trading.cancel}

    def pace(self, account: int, group: str, category: str, units: int = 1) -> dict[str, str]:
        """Count a request against the account's pace; return the headers that say how much of it is used.

        Raises:
            Refusal: it is too fast.
        """
        if self._paces is None:
            return {}
        most = _PACES[group][1 if category == "spot" else 0]
        fits, left, reset = self._paces.take(account, f"{group}/{category == 'spot'}", most, units)
        headers = limit_headers(most, left, reset, self._clock.now_ms())
        if not fits:
            raise TooFast(headers)
        return headers

    def batch(self, account: int, name: str, params: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Carry out a batch of commands; return its result, and code and text of each.

        Raises:
            Refusal: it is none, or too long.
        """
        call, creates = self.calls[name], name == "create"
        category, requests = str(params.get("category", "")), params.get("request")
        if category not in _BATCH:
            raise bad("Category is invalid")
        if not isinstance(requests, list) or not requests or len(requests) > _BATCH[category]:
            raise Refusal(BAD_PARAMETER, f"The number of orders must be from 1 to {_BATCH[category]}")
        rows, codes = [], []
        for request in requests:
            each = plain_parameters(request) if isinstance(request, dict) else {}
            row = {"category": category, "symbol": str(each.get("symbol", "")), "orderId": "", "orderLinkId": ""}
            row["orderLinkId"] = str(each.get("orderLinkId") or "")
            if creates:
                row["createAt"] = ""
            try:
                row |= call(account, each | {"category": category})
                if creates:
                    row["createAt"] = str(self._trading.world.now_ms)
                codes.append({"code": 0, "msg": "OK"})
            except Refusal as refused:
                codes.append({"code": refused.code, "msg": refused.message})
            rows.append(row)
        return {"list": rows}, codes


def limit_headers(most: int, left: int, reset_ms: int, now_ms: int) -> dict[str, str]:
    """Return the headers that say how much of a limit is left; all times are those that a client waits by."""
    return {
        "X-Bapi-Limit": str(most),
        "X-Bapi-Limit-Status": str(left),
        "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
        "Timenow": str(now_ms),
    }
