"""Who asks, and whether the request is theirs and of now."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_plus, urlencode

from real_trade.exchange.binance.ed25519 import is_signed, public_key
from real_trade.exchange.binance.refusals import Refusal, missing
from real_trade.exchange.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.answers import Query
    from real_trade.model import Clock

DEFAULT_WINDOW_MS: Final = 5_000
LONGEST_WINDOW_MS: Final = 60_000
# A request may seem to come from this far in the future.
_AHEAD_MS: Final = 1_000
_SIGNATURE: Final = re.compile(rb"&?signature=[^&]*")
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


class Doorkeeper:
    """Knows the keys.

    Args:
        secrets: by key; the public key of a client that signs by Ed25519.
        clock: the venue's.
    """

    def __init__(self, secrets: Mapping[str, str], clock: Clock) -> None:
        self._secrets, self._clock = secrets, clock
        found = {key: public_key(secret) for key, secret in secrets.items()}
        self._publics = {key: public for key, public in found.items() if public is not None}

    def key_of(self, query: Query) -> str:
        """Return the key that a request is sent with.

        Raises:
            Refusal: none, or an unknown one.
        """
        return self.known(query.headers.get("x-mbx-apikey", ""))

    def known(self, key: str) -> str:
        """Return a key that is known.

        Raises:
            Refusal: it is not.
        """
        if not key:
            raise Refusal(-2014, "API-key format invalid.", 401)
        if key not in self._secrets:
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return key

    def is_ed25519(self, key: str) -> bool:
        """Tell whether the owner of a key signs by Ed25519, and not with a secret that the venue has too."""
        return key in self._publics

    def check(self, query: Query, params: Mapping[str, str]) -> str:
        """Return the key of a request that is signed, and of now.

        Raises:
            Refusal: it is not.
        """
        key = self.key_of(query)
        self.check_time(params)
        signature = self._signature(params)
        payload = _SIGNATURE.sub(b"", query.raw.encode()) + _SIGNATURE.sub(b"", query.body)
        # Clients sign what they wrote; their HTTP library may have escaped it differently.
        self._compare(key, signature, (payload, unquote_plus(payload.decode(errors="replace")).encode()))
        return key

    def check_frame(self, params: Mapping[str, Any]) -> str:
        """Return the key of a socket's request, which is signed over its sorted parameters.

        Raises:
            Refusal: it is not signed, or not of now.
        """
        spelled = {name: spell(value) for name, value in sorted(params.items()) if name != "signature"}
        key = self.known(spelled.get("apiKey", ""))
        self.check_time(spelled)
        signature = self._signature({"signature": spell(params.get("signature", ""))})
        plain = "&".join(f"{name}={value}" for name, value in spelled.items())
        # A boolean may be written as Python writes it.
        title = "&".join(
            f"{name}={value if not isinstance(params[name], bool) else str(params[name])}"
            for name, value in spelled.items()
        )
        wanted = (plain, urlencode(spelled), urlencode(spelled, quote_via=quote), title)
        self._compare(key, signature, tuple(text.encode() for text in wanted))
        return key

    def check_time(self, params: Mapping[str, str]) -> None:
        """Refuse a request that is too old, or of the future.

        Raises:
            Refusal: it is.
        """
        sent = whole_number(params.get("timestamp", ""))
        if sent is None:
            raise missing("timestamp")
        if sent > 10**14:
            # The venue also takes microseconds.
            sent //= 1_000
        text = params.get("recvWindow", "")
        window = whole_number(text.partition(".")[0]) if text else DEFAULT_WINDOW_MS
        if window is None or window < 0:
            raise missing("recvWindow")
        if window > LONGEST_WINDOW_MS:
            raise Refusal(-1131, "recvWindow must be less than 60000")
        now = self._clock.now_ms()
        if sent >= now + _AHEAD_MS:
            raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now - sent > window:
            raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")

    @staticmethod
    def _signature(params: Mapping[str, str]) -> str:
        text = params.get("signature", "")
        if not text:
            raise missing("signature")
        return text

    def _compare(self, key: str, signature: str, payloads: tuple[bytes, ...]) -> None:
        if not any(self._fits(key, signature, each) for each in payloads):
            raise Refusal(-1022, "Signature for this request is not valid.")

    def _fits(self, key: str, signature: str, payload: bytes) -> bool:
        if key in self._publics:
            return is_signed(self._publics[key], payload, signature)
        if not _HEX.fullmatch(signature):
            return False
        digest = hmac.new(self._secrets[key].encode(), payload, "sha256").hexdigest()
        return hmac.compare_digest(digest, signature.lower())


def spell(value: object) -> str:
    """Spell a JSON value as a parameter.

    >>> spell(True), spell(5), spell("x")
    ('true', '5', 'x')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)
