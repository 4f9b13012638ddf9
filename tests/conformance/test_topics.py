"""No client is left without a test of anything that it has a call for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from topics import CLIENTS, missing

# Their scripts, in environments of their own, name the topics themselves.
ELSEWHERE = {
    "binance binance-connector",
    "binance binance-futures-connector",
    "binance python-binance",
    "binance modular SDKs",
}


@pytest.mark.parametrize("client", [client for client in CLIENTS if client not in ELSEWHERE])
def test_every_topic_is_shown(client: str) -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        if path.stem != Path(__file__).stem:
            import_module(path.stem)
    assert missing().get(client, []) == []
