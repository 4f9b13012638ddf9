"""One exchange for all clients, an account for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import ccxt
import pytest
from binance_clients import CLASSES, binance_settings
from bybit_clients import CCXT, bybit_client
from pybit_clients import open_socket, session_of

from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pybit.unified_trading import HTTP

ACCOUNTS = 400
WALLET = "USDT=100000,BTC=2,USDC=1000"
BINANCE_ACCOUNTS = 200
MEMBERS = [f"key{number}:secret{number}:{WALLET}" for number in range(ACCOUNTS)]
RICH = [f"key{number}:secret{number}:USDT=1000000,BTC=20" for number in range(ACCOUNTS)]


@pytest.fixture(scope="session")
def bybit() -> Iterator[RunningExchange]:
    with running_exchange("bybit", seed=7, rate_limits="off", account=MEMBERS) as exchange:
        yield exchange


@pytest.fixture(scope="session")
def standing() -> Iterator[RunningExchange]:
    """A market whose time passes only when it is told to."""
    with running_exchange("bybit", seed=7, speed=0, admin_port=0, rate_limits="off", account=RICH) as exchange:
        yield exchange


@pytest.fixture(scope="session")
def paced() -> Iterator[RunningExchange]:
    """A market with the venue's own limits; its only account may be too fast already."""
    with running_exchange("bybit", seed=7, rate_limits="documented") as exchange:
        yield exchange


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningExchange]:
    """A market in which a minute takes a second."""
    with running_exchange("bybit", seed=7, speed=60, rate_limits="off", account=MEMBERS) as exchange:
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
def bybit_member(bybit: RunningExchange, bybit_numbers: Iterator[int]) -> Callable[..., dict[str, Any]]:
    """Return an exchange's first line with the keys of an account that nobody has used."""

    def take(exchange: RunningExchange = bybit) -> dict[str, Any]:
        number = next(bybit_numbers)
        assert number < ACCOUNTS
        return {**exchange.info, "api_key": f"key{number}", "api_secret": f"secret{number}"}

    return take


@pytest.fixture(params=["bybit ccxt", *(pytest.param(name, marks=pytest.mark.conformance) for name in list(CCXT)[1:])])
def make_client(request: pytest.FixtureRequest, bybit_markets: tuple[Any, Any]) -> Iterator[Callable[..., Any]]:
    """Return what makes one of ccxt's clients, each in its turn; they are closed at the end."""
    made: list[Any] = []

    def make(info: dict[str, Any]) -> Any:
        client = CCXT[request.param](info)
        made.append(client)
        client.set_markets(*bybit_markets)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., Any], bybit_member: Callable[..., dict[str, Any]]) -> Any:
    """Return one of ccxt's clients with an account of its own."""
    return make_client(bybit_member())


@pytest.fixture
def still(
    make_client: Callable[..., Any], bybit_member: Callable[..., dict[str, Any]], standing: RunningExchange
) -> Any:
    """Return one of ccxt's clients with an account of its own, in a market that stands still."""
    return make_client(bybit_member(standing))


@pytest.fixture(scope="session")
def binance() -> Iterator[RunningExchange]:
    members = [f"key{number}:secret{number}:USDT=100000,BTC=10" for number in range(BINANCE_ACCOUNTS)]
    with running_exchange("binance", seed=7, rate_limits="off", account=members) as exchange:
        yield exchange


@pytest.fixture(scope="session")
def binance_markets(binance: RunningExchange) -> dict[str, tuple[Any, Any]]:
    """Markets and currencies of each of ccxt's classes, read once."""
    found = {}
    for name in CLASSES.values():
        client = getattr(ccxt, name)(binance_settings(binance.info))
        client.load_markets()
        client.session.close()
        found[name] = client.markets, client.currencies
    return found


@pytest.fixture(scope="session")
def binance_numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def binance_member(binance: RunningExchange, binance_numbers: Iterator[int]) -> dict[str, Any]:
    """Return the exchange's first line with the keys of an account that nobody has used."""
    number = next(binance_numbers)
    assert number < BINANCE_ACCOUNTS
    return {**binance.info, "api_key": f"key{number}", "api_secret": f"secret{number}"}


@pytest.fixture
def info(bybit_member: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return the exchange's first line with an account of the test's own."""
    return bybit_member()


@pytest.fixture
def session(info: dict[str, Any]) -> Iterator[HTTP]:
    """Return pybit's client of REST with an account of its own."""
    made = session_of(info)
    yield made
    made.client.close()


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch, info: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """Return what opens pybit's sockets, with the same account; they are closed at the end."""
    opened: list[Any] = []

    def open_one(kind: Any, first_line: dict[str, Any] = info, **more: Any) -> Any:
        opened.append(open_socket(monkeypatch, first_line, kind, **more))
        return opened[-1]

    yield open_one
    for each in opened:
        each.exit()
