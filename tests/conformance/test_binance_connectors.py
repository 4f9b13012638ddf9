"""More clients of Binance, each in an environment of its own: some packages overwrite each other's files."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from environments import python_of, topics_of
from topics import CLIENTS, REST, SOCKETS

from real_trade.testing.exchange_process import running_exchange

ACCOUNT = "key:secret:USDT=100000,BTC=10"
# Name of the environment -> the client, what it needs, and its scripts with how many checks each makes.
SCRIPTS = {
    "binance_connector": ("binance-connector", ["binance-connector==3.13.0"], {"binance_connector": 134}),
    "futures_connector": (
        "binance-futures-connector",
        ["binance-futures-connector==4.2.0"],
        {"futures_connector": 223},
    ),
    "python_binance": (
        "python-binance",
        ["python-binance==1.0.37"],
        {"python_binance": 129, "python_binance_sockets": 63},
    ),
    "binance_sdks": (
        "modular SDKs",
        [
            "binance-sdk-spot==13.3.0",
            "binance-sdk-derivatives-trading-usds-futures==18.1.0",
            "binance-sdk-derivatives-trading-coin-futures==14.1.0",
        ],
        {"binance_sdks": 226},
    ),
}
# The exchanges that a script is given: one at the clock's pace, one in which a minute takes a second, one that takes
# 30 units of weight in ten minutes.
EXCHANGES = {
    "market": {"rate_limits": "off"},
    "fast": {"rate_limits": "off", "speed": 60},
    "narrow": {"rate_limits": "30/600", "ban_seconds": 30},
}


@pytest.mark.conformance
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_client_takes_it_for_the_venue(name: str) -> None:
    client, packages, scripts = SCRIPTS[name]
    python = python_of(name, *packages)
    topics: set[str] = set()
    for script, count in scripts.items():
        with ExitStack() as stack:
            infos = {
                which: stack.enter_context(running_exchange("binance", seed=7, account=ACCOUNT, **flags)).info
                for which, flags in EXCHANGES.items()
            }
            topics |= topics_of(python, script, infos, count)
    absent = CLIENTS[f"binance {client}"]
    assert topics == {*REST, *SOCKETS} - set(absent)
