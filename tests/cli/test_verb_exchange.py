"""real-trade exchange."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from .conftest import Cli


def test_it_announces_itself_answers_and_ends_on_sigterm() -> None:
    words = ["exchange", "--venue", "bybit", "--seed", "7", "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "real_trade.cli.main", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert {"venue", "pid", "rest", "market_time_ms"} <= set(first)
    assert first["pid"] == process.pid
    with urlopen(f"{first['rest']}/v5/market/time", timeout=10) as answer:
        assert json.load(answer)["retCode"] == 0
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_it_listens_on_this_machine_only(cli: Cli) -> None:
    ran = cli("exchange", "--venue", "bybit", "--host", "0.0.0.0", "--json")
    assert ran.code == 4
    assert ran.error["code"] == "not_loopback"
    assert cli("exchange", "--venue", "nasdaq", "--json").error["field"] == "--venue"
