"""Who asks, and whether the request is theirs and of now."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from real_trade.exchange.bybit.refusals import Refusal
from real_trade.exchange.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.answers import Query
    from real_trade.model import Clock

DEFAULT_WINDOW_MS: Final = 5_000
# A request may seem to come from this far in the future.
_AHEAD_MS: Final = 1_000


class Doorkeeper:
    """Knows the keys.

    Args:
        secrets: secret and account number, by key.
        clock: the machine's.
    """

    def __init__(self, secrets: Mapping[str, tuple[str, int]], clock: Clock) -> None:
        self._secrets, self._clock = secrets, clock

    def account_of(self, query: Query) -> tuple[str, int]:
        """Return key and account of a signed request.

        Raises:
            Refusal: no key, a wrong one, a wrong signature, or a time outside the window.
        """
        headers = query.headers
        key = headers.get("x-bapi-api-key", "")
        stamp, window = headers.get("x-bapi-timestamp", ""), headers.get("x-bapi-recv-window", "")
        if not key:
            raise Refusal(10003, "API key is invalid.")
        secret, account = self._known(key)
        self.check_time(stamp, window)
        head = f"{stamp}{key}{window}".encode()
        payload = query.body if query.method == "POST" else query.raw.encode()
        given = headers.get("x-bapi-sign", "").lower()
        wanted = [payload]
        if query.method != "POST":
            # Clients sign what they wrote; their HTTP library may have escaped it differently.
            wanted.append(unquote_plus(query.raw).encode())
        if not any(hmac.compare_digest(_signed(secret, head + each), given) for each in wanted):
            origin = (head + payload).decode(errors="replace")
            raise Refusal(10004, f"error sign! origin_string[{origin}]")
        return key, account

    def account_on_socket(self, key: object, expires: object, signature: object) -> tuple[str, int]:
        """Return key and account of an ``auth`` frame.

        Raises:
            Refusal: as `account_of`.
        """
        secret, account = self._known(str(key))
        until = whole_number(str(expires))
        if until is None or until <= self._clock.now_ms():
            raise Refusal(10004, "Params Error")
        if not hmac.compare_digest(_signed(secret, f"GET/realtime{expires}".encode()), str(signature).lower()):
            raise Refusal(10004, "Params Error")
        return str(key), account

    def check_time(self, stamp: str, window: str) -> None:
        """Refuse a request that is too old, or of the future.

        Raises:
            Refusal: it is.
        """
        sent = whole_number(stamp)
        length = whole_number(window) if window else DEFAULT_WINDOW_MS
        now = self._clock.now_ms()
        if sent is None or length is None:
            raise Refusal(10001, "empty value: apiTimestamp[] apiKey[] apiSignature[]")
        if not now - length <= sent < now + _AHEAD_MS:
            raise Refusal(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{sent}],server_timestamp[{now}],recv_window[{length}]",
            )

    def _known(self, key: str) -> tuple[str, int]:
        if key not in self._secrets:
            raise Refusal(10003, "API key is invalid.")
        return self._secrets[key]


def _signed(secret: str, payload: bytes) -> str:
    return hmac.new(secret.encode(), payload, "sha256").hexdigest()
