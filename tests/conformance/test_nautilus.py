"""nautilus_trader, an engine of its own, trades on both venues and takes over what other clients left there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ccxt
import pytest
from binance_clients import LINEAR, binance_settings
from environments import python_between, python_of, topics_of
from pybit_clients import price, session_of

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "nautilus_trader==1.231.0"
ACCOUNT = "key:secret:USDT=100000"
# A minute takes eight seconds: a bar ends soon, and the clocks of both sides stay near enough.
FLAGS = {"seed": 7, "speed": 8, "rate_limits": "off", "account": ACCOUNT}
LEFT = {"held": ["0.020"], "resting": ["0.030"]}


TOPICS = {"positions", "order stream", "klines", "ticker", "kept book", "balance"}


@pytest.fixture(scope="module")
def python() -> Path:
    found = python_between((3, 12), (3, 14))
    if found is None:
        pytest.skip("nautilus_trader needs Python 3.12, 3.13 or 3.14, and there is none on the path")
    return python_of("nautilus_trader", PACKAGE, python=found)


@pytest.mark.conformance
def test_bybit(python: Path) -> None:
    with running_exchange("bybit", **FLAGS) as exchange:
        session = session_of(exchange.info)
        common = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy"}
        session.place_order(**common, orderType="Market", qty="0.02")
        session.place_order(**common, orderType="Limit", qty="0.03", price=price(session, "linear", 0.9))
        session.client.close()
        assert topics_of(python, "nautilus_bybit", {"exchange": exchange.info, **LEFT}, 26) == TOPICS


@pytest.mark.conformance
def test_binance(python: Path) -> None:
    with running_exchange("binance", **FLAGS) as exchange:
        client = ccxt.binanceusdm(binance_settings(exchange.info))
        bid = client.fetch_order_book(LINEAR)["bids"][0][0]
        client.create_order(LINEAR, "market", "buy", 0.02)
        client.create_order(LINEAR, "limit", "buy", 0.03, bid * 0.9)
        client.session.close()
        assert topics_of(python, "nautilus_binance", {"exchange": exchange.info, **LEFT}, 24) == TOPICS
