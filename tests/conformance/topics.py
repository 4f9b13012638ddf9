"""What every client is to show, and which test or script shows it.

A test says so with :func:`shows`; a script of a client in an environment of its own names the topic of each check.
``test_topics.py`` fails where a topic of a client is shown by nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", bound="Callable[..., Any]")

REST: Final = (
    "markets",
    "klines",
    "ticker",
    "place, amend, cancel",
    "order types",
    "partial fill",
    "my trades",
    "balance",
    "positions",
    "leverage",
    "insufficient funds",
    "bad price",
    "bad quantity",
    "unknown order",
    "duplicate client id",
    "stale timestamp",
    "wrong key",
    "too many requests",
)
SOCKETS: Final = ("kept book", "order stream", "execution stream", "trade socket")
# Client -> topics that it has no call for, and why.
CLIENTS: Final[dict[str, dict[str, str]]] = {
    "bybit ccxt": dict.fromkeys(SOCKETS, "ccxt's blocking client has no sockets"),
    "bybit ccxt async": dict.fromkeys(SOCKETS, "ccxt's asynchronous client has no sockets: ccxt.pro has them"),
    "bybit ccxt.pro": {},
    "bybit pybit": {},
    "binance ccxt": dict.fromkeys(SOCKETS, "ccxt's blocking client has no sockets"),
    "binance ccxt async": dict.fromkeys(SOCKETS, "ccxt's asynchronous client has no sockets: ccxt.pro has them"),
    "binance ccxt.pro": {},
    "binance binance-connector": {
        "positions": "the client is one of spot, which has none",
        "leverage": "the client is one of spot, which has none",
    },
    "binance binance-futures-connector": {
        "trade socket": "the client has sockets for streams, none that takes requests",
    },
    "binance python-binance": {},
    "binance modular SDKs": {},
}
SHOWN: dict[str, dict[str, list[str]]] = {client: {} for client in CLIENTS}


def shows(client: str, *topics: str) -> Callable[[T], T]:
    """Note that a test shows topics of a client."""

    def note(test: T) -> T:
        for topic in topics:
            assert topic in REST + SOCKETS, topic
            SHOWN[client].setdefault(topic, []).append(test.__name__)
        return test

    return note


def missing() -> dict[str, list[str]]:
    """Return what is shown by nothing yet, by client."""
    found = {
        client: [topic for topic in REST + SOCKETS if topic not in SHOWN[client] and topic not in absent]
        for client, absent in CLIENTS.items()
    }
    return {client: topics for client, topics in found.items() if topics}
