"""real-trade download-data."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import tree

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.testing.exchange_process import RunningExchange

    from .conftest import Cli

SPAN = ("--from", "2024-01-01", "--to", "2024-01-03")


def rows(cli: Cli, **which: str) -> int:
    series = cli("list-data", "--json").json["series"]
    return sum(row["rows"] for row in series if all(row[name] == value for name, value in which.items()))


def test_it_fetches_into_the_store_and_then_has_nothing_to_do(cli: Cli, served: RunningExchange) -> None:
    ran = cli("download-data", *SPAN, "--json")
    assert ran.code == 0
    assert ran.err == ""
    (series,) = ran.json["series"]
    assert series["inserted"] == rows(cli, symbol="BTCUSDT") > 2_800
    again = cli("download-data", *SPAN, "--json").json["series"][0]
    assert (again["pages"], again["inserted"]) == (0, 0)
    assert "nothing was missing" in cli("download-data", *SPAN).out
    refreshed = cli("download-data", *SPAN, "--refresh", "--json").json["series"][0]
    assert (refreshed["unchanged"], refreshed["inserted"]) == (series["inserted"], 0)


def test_kinds_symbols_and_intervals(cli: Cli, served: RunningExchange) -> None:
    ran = cli(
        "download-data",
        *SPAN,
        "--kind",
        "kline,mark,funding",
        "--symbol",
        "ETH/USDT:USDT",
        "--interval",
        "60",
        "--json",
    )
    assert ran.code == 0
    assert rows(cli, symbol="ETHUSDT", kind="kline", interval="1h") == 48
    assert rows(cli, symbol="ETHUSDT", kind="mark", interval="1h") == 48
    assert rows(cli, symbol="ETHUSDT", kind="funding") >= 5  # the market may open after a settlement
    assert cli("download-data", "--kind", "ticks", "--json").error["field"] == "--kind"
    assert "import-data --trades" in cli("download-data", "--kind", "trade", "--json").error["fix"]


def test_several_symbols_in_turn(cli: Cli, served: RunningExchange) -> None:
    ran = cli("download-data", *SPAN, "--interval", "1h", "--symbol", "BTC/USDT,ETHUSDT,btcusdt", "--json")
    assert ran.code == 0
    assert [one["symbol"] for one in ran.json["downloads"]] == ["BTCUSDT", "ETHUSDT"]
    assert rows(cli, symbol="BTCUSDT", interval="1h") == rows(cli, symbol="ETHUSDT", interval="1h") == 48
    again = cli("download-data", *SPAN, "--interval", "1h", "--symbol", "BTCUSDT,ETHUSDT")
    assert [line.split(":")[0] for line in again.out.splitlines()] == [
        f"bybit/linear/{symbol}/kline/1h" for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    assert again.out.count("nothing was missing") == 2
    assert cli("verify-data", "--symbol", "BTCUSDT,ETHUSDT", "--json").error["code"] == "unknown_symbol"


def test_a_terminal_shows_a_bar_and_a_pipe_does_not(served: RunningExchange, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "real_trade.cli.main", "download-data", "--from", "2024-01-01", "--to", "2024-01-09"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        out, _ = process.communicate(timeout=30)
    os.close(theirs)
    drawn = b""
    with contextlib.suppress(OSError):  # the terminal's other side is closed
        while chunk := os.read(ours, 65536):
            drawn += chunk
    os.close(ours)
    assert b"bybit/linear/BTCUSDT" in drawn
    assert b"pages" in drawn
    assert out.startswith("bybit/linear/BTCUSDT/kline/1m: ")
    assert len(out.splitlines()) == 1
    piped = subprocess.run([*words, "--refresh"], capture_output=True, text=True, check=True)
    assert piped.stderr == ""


@pytest.mark.parametrize(
    ("words", "exit_code", "code", "field"),
    [
        (["--symbol", "BTCUSDTT", *SPAN], 2, "unknown_symbol", "--symbol"),
        (["--from", "2024-01-03", "--to", "2024-01-01"], 2, "reversed_range", "--from"),
        (["--from", "2024-01-03T00:00:00"], 2, "naive_time", "--from"),
        (["--from", "1704067200"], 2, "bad_time", "--from"),
        (["--interval", "7m"], 2, "bad_config_value", "--interval"),
        (["--market", "options"], 2, "bad_config_value", "--market"),
        (["--proxy", "nonsense"], 2, "bad_config_value", "--proxy"),
    ],
)
def test_wrong_input_leaves_the_store_as_it_was(
    cli: Cli, stock: Path, served: RunningExchange, words: list[str], exit_code: int, code: str, field: str
) -> None:
    before = {name: data for name, data in tree(stock).items() if "instrument" not in name}
    ran = cli("download-data", *words, "--json")
    assert (ran.code, ran.error["code"], ran.error["field"]) == (exit_code, code, field)
    assert {name: data for name, data in tree(stock).items() if "instrument" not in name} == before


def test_a_venue_out_of_reach_is_exit_3(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RT_BYBIT_REST_URL", "http://127.0.0.1:1")
    ran = cli("download-data", *SPAN, "--json")
    assert ran.code == 3
    assert ran.error["message"]


def test_an_unencrypted_address_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RT_BYBIT__REST_URL", "http://api.example")
    ran = cli("download-data", *SPAN, "--json")
    assert (ran.code, ran.error["code"]) == (4, "insecure_url")
