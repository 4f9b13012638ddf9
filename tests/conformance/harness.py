"""ccxt's own live tests against the exchange in a box; run as a script it prints what passed, failed and was left out.

The tests come in ccxt's wheel and refuse to run from site-packages, so that the package is copied to a folder of its
own, beside a file with addresses and keys and one with what is left out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ccxt
import psutil  # the tests import it
from binance_clients import binance_api, binance_settings
from bybit_clients import bybit_api, bybit_client

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

assert psutil

# What is left out -> why: a method, or a method's checks after a stroke; before a colon the run, where it is one only.
# Of bars, trades and orders it is nothing; of books, balances and positions what the venue itself does not say.
_BYBIT_SKIPS = {
    "fetchTickers/checkActiveSymbols": "asks one category, then expects the tickers of all four",
    # test_ccxt_bybit.py looks at the field that says it.
    "fetchPositions/marginMode": "ccxt writes None there, whatever the venue says in tradeMode",
    "watchPositions/marginMode": "ccxt writes None there, whatever the venue says in tradeMode",
    "fetchLedger/account": "ccxt reads wallet_id, which the venue's log of version 5 does not have",
    "fetchLeverageTiers": "the test puts a list of symbols into a list of symbols and fails in ccxt itself",
    "fetchBorrowInterest": "calls /v5/spot-cross-margin-trade/account, which the venue has taken away",
}
_BINANCE_SKIPS = {
    "loadMarkets/optionsNotLoadedByDefault": "parse_market writes None for the active of an option, and fails the test",
    "fetchTickers/checkActiveSymbols": "asks one market, then expects the tickers of all three",
    "fetchLeverageTiers": "the test puts a list of symbols into a list of symbols and fails in ccxt itself",
    "fetchMarginModes": "the test expects a list where ccxt returns a dictionary, and asks it of spot too",
    "sockets, private swap: watchBalance": (
        "handle_balance reads free and used from f and l, as spot's event names them: ACCOUNT_UPDATE has wb, cw, bc"
    ),
    "sockets, private swap: watchPositions/leverage,notional,contractSize,markPrice,collateral,percentage": (
        "parse_ws_position writes None there: ACCOUNT_UPDATE has pa, ep, bep, cr, up, mt, iw, ps"
    ),
    "sockets, private spot: watchPositions": "spot has no positions",
} | {
    # These runs ask for books of spot, too; those of swaps, which have one, are looked at in runs of their own.
    f"{run}: orderBook/timestamp": "GET /api/v3/depth has lastUpdateId, bids and asks, and no time"
    for run in ("REST, public", "async, public", "sockets, public")
}
RUNS = {
    "REST, public": ("--sync",),
    "REST, private": ("--sync", "--privateOnly"),
    "async, public": (),
    "async, private": ("--privateOnly",),
    "sockets, public": ("--ws",),
    "sockets, private swap": ("BTC/USDT:USDT", "--ws", "--privateOnly"),
    # Spot has no positions; a watch on them would wait for ever.
    "sockets, private spot": ("watchBalance(),watchMyTrades(),watchOrders()", "--ws", "--privateOnly"),
}
_BINANCE_RUNS = {
    **RUNS,
    # Methods without a symbol would be run for swaps too.
    "sockets, private spot": ("BTC/USDT", "--ws", "--privateOnly"),
    "REST, public swap": ("BTC/USDT:USDT", "--sync"),
    "async, public swap": ("BTC/USDT:USDT",),
    "sockets, public swap": ("BTC/USDT:USDT", "--ws"),
}
# The present version of positionRisk says no leverage, the one before does.
_BINANCE_OPTIONS = {"fetchPositionsRisk": {"useV2": True}}
_LINE = re.compile(
    r"^\[INFO\] (TESTING DONE|SKIPPED_TEST|UNIMPLEMENTED_TEST|NOT_SUPPORTED|UNSUPPORTED_TEST)\s+(?:bybit|binance) (\w+)"
)
_LIMIT_S = 150


@dataclass(frozen=True)
class Venue:
    """One of the exchange's faces.

    Attributes:
        name: ccxt's.
        api: makes ccxt's table of addresses.
        client: makes ccxt's blocking client.
        runs, skips: what is run, and what is left out.
        held: coins of the position held meanwhile.
        options: ccxt's.
    """

    name: str
    api: Callable[[dict[str, Any]], dict[str, Any]]
    client: Callable[[dict[str, Any]], Any]
    runs: dict[str, tuple[str, ...]]
    skips: dict[str, str]
    held: float
    options: dict[str, Any] = field(default_factory=dict)


# On Binance ccxt works a position's collateral out of its liquidation price: hold more than the wallet is worth, so
# that there is one.
VENUES = {
    "bybit": Venue("bybit", bybit_api, bybit_client, RUNS, _BYBIT_SKIPS, 1.0),
    "binance": Venue(
        "binance",
        binance_api,
        lambda info: ccxt.binance(binance_settings(info)),
        _BINANCE_RUNS,
        _BINANCE_SKIPS,
        5.0,
        _BINANCE_OPTIONS,
    ),
}


@dataclass
class Report:
    """What came out of one run: methods that passed, messages of failures, methods ccxt has no test or call for."""

    passed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def prepare(folder: Path, venue: Venue, info: dict[str, Any]) -> Path:
    """Lay out the tests in a folder; return the script that runs them."""
    package = folder / "python" / "ccxt"
    if not package.exists():
        shutil.copytree(Path(ccxt.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    keys = {"apiKey": info["api_key"], "secret": info["api_secret"], "urls": {"api": venue.api(info)}}
    keys["options"] = venue.options
    # One check is that Binance's address is the real one: let it be that it is the one given.
    for tests in (package / "test").glob("tests_*sync.py"):
        given = tests.read_text().replace("https://api.binance.com/api/v3", str(keys["urls"]["api"]["public"]))
        tests.write_text(given)
    (folder / "keys.local.json").write_text(json.dumps({venue.name: keys}))
    return package / "test" / "tests_init.py"


def leave_out(venue: Venue, name: str) -> dict[str, Any]:
    """Return what a run leaves out, the way the tests read it."""
    methods: dict[str, Any] = {}
    for skip, reason in venue.skips.items():
        only, _, what = skip.rpartition(": ")
        method, _, checks = what.partition("/")
        if only in {"", name}:
            methods[method] = (
                {**methods.get(method, {}), **dict.fromkeys(checks.split(","), reason)} if checks else reason
            )
    return {venue.name: {"skipMethods": methods}}


def run(script: Path, venue: Venue, name: str) -> Report:
    """Run the tests once."""
    root = script.parents[2]
    (root.parent / "skip-tests.json").write_text(json.dumps(leave_out(venue, name)))
    log = root.parent / "output.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(script), venue.name, *venue.runs[name], "--info"],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=root.parent,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"},
        )
        try:
            process.wait(_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    text = log.read_text()
    report = Report()
    kinds = {"TESTING DONE": report.passed, "SKIPPED_TEST": report.skipped}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            kinds.get(found[1], report.absent).append(found[2])
        if "[TEST_FAILURE]" in line or "[TEST_WARNING]" in line:
            report.failures.append(text[text.index(line) :][:1_500])
    if process.returncode or not report.passed:
        report.failures.append(text[-1_500:])
    return report


@contextmanager
def busy(venue: Venue, info: dict[str, Any]) -> Iterator[None]:
    """Hold positions and trade now and then, so that private tests have something to see."""
    client = venue.client(info)
    client.load_markets()
    over = threading.Event()

    def trade() -> None:
        while not over.wait(1.0):
            for symbol, amount in (("BTC/USDT", 0.001), ("BTC/USDT:USDT", 0.002)):
                price = client.fetch_ticker(symbol)["last"]
                resting = client.create_order(symbol, "limit", "buy", amount, round(price * 0.95, 1))
                client.cancel_order(resting["id"], symbol)
                client.create_order(symbol, "market", "buy", amount, price)
                client.create_order(symbol, "market", "sell", amount)

    client.create_order("BTC/USDT:USDT", "market", "buy", venue.held)
    # A stop far away stays open for as long as the tests last.
    far = round(client.fetch_ticker("BTC/USDT:USDT")["last"] * 0.5)
    client.create_order("BTC/USDT:USDT", "market", "sell", venue.held / 2, None, {"stopLossPrice": far})
    worker = threading.Thread(target=trade)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
        client.session.close()


def reports(venue: Venue, names: tuple[str, ...] = ()) -> Iterator[tuple[str, Report]]:
    """Run the named runs, or all, against one exchange."""
    wallet = "key:secret:USDT=100000,BTC=1,ETH=10,USDC=1000"
    with (
        tempfile.TemporaryDirectory() as folder,
        running_exchange(venue.name, seed=7, rate_limits="off", account=wallet) as exchange,
    ):
        script = prepare(Path(folder), venue, exchange.info)
        with busy(venue, exchange.info):
            for name in names or venue.runs:
                yield name, run(script, venue, name)


def main() -> int:
    """Run everything, or the venues and runs named, and print a table; return 1 if anything failed."""
    words = sys.argv[1:]
    venues = [VENUES[word] for word in words if word in VENUES] or list(VENUES.values())
    names = tuple(word for word in words if word not in VENUES)
    failures: list[str] = []
    for venue in venues:
        print(venue.name)  # noqa: T201 - a script
        for name, report in reports(venue, names):
            failures += report.failures
            counts = f"{len(report.passed)} passed, {len(report.failures)} failed, {len(report.skipped)} left out"
            print(f"{name:22} {counts}, {len(set(report.absent))} without a test", flush=True)  # noqa: T201
        for skip, reason in venue.skips.items():
            print(f"left out: {skip}: {reason}")  # noqa: T201
    for failure in failures:
        print(failure)  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
