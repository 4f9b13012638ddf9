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
from bybit_clients import bybit_api, bybit_client

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

assert psutil

# What is left out -> why: a method, or a method's check after a stroke. None concerns bars, books, trades, balances,
# orders or positions.
SKIPS = {
    "fetchTickers/checkActiveSymbols": "asks one category, then expects the tickers of all four",
    "fetchPositions/marginMode": "ccxt's reader of this venue never fills it",
    "watchPositions/marginMode": "ccxt's reader of this venue never fills it",
    "fetchLedger/account": "the venue's log names no account",
    "fetchLeverageTiers": "the test puts a list of symbols into a list of symbols and fails in ccxt itself",
    "fetchBorrowInterest": "calls /v5/spot-cross-margin-trade/account, which the venue has taken away",
    "fetchDeposits": "expects a deposit; nothing is paid in here",
    "fetchWithdrawals": "expects a withdrawal; nothing is paid out here",
    "fetchTransfers": "expects a transfer between wallets; there is one wallet",
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
_LINE = re.compile(
    r"^\[INFO\] (TESTING DONE|SKIPPED_TEST|UNIMPLEMENTED_TEST|NOT_SUPPORTED|UNSUPPORTED_TEST)\s+bybit (\w+)"
)
_LIMIT_S = 150


@dataclass
class Report:
    """What came out of one run: methods that passed, messages of failures, methods ccxt has no test or call for."""

    passed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def prepare(folder: Path, info: dict[str, Any]) -> Path:
    """Lay out the tests in a folder; return the script that runs them."""
    package = folder / "python" / "ccxt"
    if not package.exists():
        shutil.copytree(Path(ccxt.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    keys = {"apiKey": info["api_key"], "secret": info["api_secret"], "urls": {"api": bybit_api(info)}}
    (folder / "keys.local.json").write_text(json.dumps({"bybit": keys}))
    methods: dict[str, Any] = {}
    for name, reason in SKIPS.items():
        method, _, check = name.partition("/")
        methods[method] = {check: reason} if check else reason
    (folder / "skip-tests.json").write_text(json.dumps({"bybit": {"skipMethods": methods}}))
    return package / "test" / "tests_init.py"


def run(script: Path, *flags: str) -> Report:
    """Run the tests once."""
    root = script.parents[2]
    log = root.parent / "output.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(script), "bybit", *flags, "--info"],
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
def busy(info: dict[str, Any]) -> Iterator[None]:
    """Hold positions and trade now and then, so that private tests have something to see."""
    client = bybit_client(info)
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

    client.create_order("BTC/USDT:USDT", "market", "buy", 1.0)
    # A stop far away stays open for as long as the tests last.
    far = round(client.fetch_ticker("BTC/USDT:USDT")["last"] * 0.5)
    client.create_order("BTC/USDT:USDT", "market", "sell", 0.5, None, {"stopLossPrice": far})
    worker = threading.Thread(target=trade)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
        client.session.close()


def reports(names: tuple[str, ...] = tuple(RUNS)) -> Iterator[tuple[str, Report]]:
    """Run the named runs against one exchange."""
    wallet = "key:secret:USDT=100000,BTC=1,ETH=10,USDC=1000"
    with (
        tempfile.TemporaryDirectory() as folder,
        running_exchange(seed=7, rate_limits="off", account=wallet) as exchange,
    ):
        script = prepare(Path(folder), exchange.info)
        with busy(exchange.info):
            for name in names:
                yield name, run(script, *RUNS[name])


def main() -> int:
    """Run everything and print a table; return 1 if anything failed."""
    failures: list[str] = []
    left_out: set[str] = set()
    for name, report in reports(tuple(sys.argv[1:]) or tuple(RUNS)):
        failures += report.failures
        left_out |= set(report.skipped)
        counts = f"{len(report.passed)} passed, {len(report.failures)} failed, {len(report.skipped)} left out"
        print(f"{name:22} {counts}, {len(set(report.absent))} without a test", flush=True)  # noqa: T201 - a script
    for skip, reason in SKIPS.items():
        print(f"left out: {skip}: {reason}")  # noqa: T201
    for failure in failures:
        print(failure)  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
