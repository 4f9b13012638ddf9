"""One exchange for all clients, an account for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from bybit_clients import bybit_client

from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNTS = 120
WALLET = "USDT=100000,BTC=2,USDC=1000"


@pytest.fixture(scope="session")
def bybit() -> Iterator[RunningExchange]:
    members = [f"key{number}:secret{number}:{WALLET}" for number in range(ACCOUNTS)]
    with running_exchange("bybit", seed=7, rate_limits="off", account=members) as exchange:
        yield exchange


@pytest.fixture(scope="session")
def bybit_markets(bybit: RunningExchange) -> tuple[Any, Any]:
    """Markets and currencies, read once."""
    client = bybit_client(bybit.info)
    client.load_markets()
    client.session.close()
    return client.markets, client.currencies


@pytest.fixture(scope="session")
def bybit_numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def bybit_member(bybit: RunningExchange, bybit_numbers: Iterator[int]) -> Callable[[], dict[str, Any]]:
    """Return the exchange's first line with the keys of an account that nobody has used."""

    def take() -> dict[str, Any]:
        number = next(bybit_numbers)
        assert number < ACCOUNTS
        return {**bybit.info, "api_key": f"key{number}", "api_secret": f"secret{number}"}

    return take


@pytest.fixture
def client(bybit_member: Callable[[], dict[str, Any]], bybit_markets: tuple[Any, Any]) -> Iterator[Any]:
    """Return ccxt's blocking client with an account of its own."""
    made = bybit_client(bybit_member())
    made.set_markets(*bybit_markets)
    yield made
    made.session.close()
