"""Download from the Bybit history server, a process of its own, into a real store."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import download_helpers as helpers
import numpy as np
import pytest
from aiohttp import web
from download_helpers import BEGIN, END, bybit_rows, fetch, key_of, stored_rows

from real_trade.data.download import bring_tiers, download, run_download
from real_trade.data.history import Endpoints, open_history
from real_trade.data.tiers import find_tiers
from real_trade.model import InputError, Interval, SeriesKey, SeriesKind, VenueError, parse_time
from real_trade.storage import dataset_hash, open_store
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def venue() -> Any:
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, speed=0) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def undisturbed(venue: RunningExchange, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Hash of the two weeks as one quiet run stores them."""
    store, _ = fetch(venue.rest, tmp_path_factory.mktemp("quiet"))
    return dataset_hash(store.read_klines(key_of()))


@pytest.mark.parametrize(("market", "symbol"), [("spot", "BTCUSDT"), ("linear", "BTCUSDT"), ("inverse", "BTCUSD")])
def test_what_is_stored_is_what_the_venue_has(venue: RunningExchange, tmp_path: Path, market: str, symbol: str) -> None:
    key = key_of(market=market, symbol=symbol)
    store, report = fetch(venue.rest, tmp_path, key)
    rows = stored_rows(store.read_klines(key))
    assert rows == bybit_rows(venue.rest, market, symbol, BEGIN, END)
    assert len(rows) > 19_000
    assert (report.inserted, report.unchanged, report.revised) == (len(rows), 0, 0)
    assert store.read_instrument("bybit", key.market, symbol).symbol == symbol


@pytest.mark.parametrize(("kind", "path"), [("mark", "mark-price-kline"), ("index", "index-price-kline")])
def test_mark_and_index_bars_have_prices_and_no_volume(
    venue: RunningExchange, tmp_path: Path, kind: str, path: str
) -> None:
    key = key_of(kind=kind)
    store, _ = fetch(venue.rest, tmp_path, key, end="2024-01-03")
    bars = store.read_klines(key)
    truth = bybit_rows(venue.rest, "linear", "BTCUSDT", BEGIN, "2024-01-03", f"/v5/market/{path}")
    assert [row[:5] for row in stored_rows(bars)] == truth
    assert np.isnan(bars.volume).all()


def test_funding_grows_outward_and_is_read_once(venue: RunningExchange, tmp_path: Path) -> None:
    key = key_of(kind="funding")
    store, first = fetch(venue.rest, tmp_path, key, begin="2024-01-05", end="2024-01-08")
    store, second = fetch(venue.rest, tmp_path, key)
    rates = store.read_funding(key)
    assert np.array_equal(np.diff(rates.timestamp), np.full(len(rates) - 1, 8 * 3_600_000))
    assert len(rates) == 14 * 3 - 1  # the first one comes eight hours after the market opened
    assert first.inserted + second.inserted == len(rates)
    assert second.unchanged == 1  # the last stored settlement


@pytest.mark.parametrize("interval", ["3m", "1h", "1d", "1w"])
def test_other_intervals_are_pages_of_the_same_market(
    venue: RunningExchange, tmp_path: Path, interval: Interval | str
) -> None:
    key = key_of(interval=interval)
    store, _ = fetch(venue.rest, tmp_path, key)
    bars = store.read_klines(key)
    size = Interval(interval)
    assert len(bars)
    assert all(size.floor(int(stamp)) == stamp for stamp in bars.timestamp)
    assert all(size.next_open(int(stamp)) <= parse_time(END) for stamp in bars.timestamp)


def test_a_second_run_asks_for_no_page(venue: RunningExchange, tmp_path: Path) -> None:
    fetch(venue.rest, tmp_path)
    before = len(venue.log)
    _, report = fetch(venue.rest, tmp_path)
    assert (report.pages, report.bars, report.inserted) == (0, 0, 0)
    assert not [line for line in venue.log[before:] if "kline" in line["path"]]


def test_the_years_before_the_first_bar_cost_a_handful_of_requests(venue: RunningExchange, tmp_path: Path) -> None:
    before = len(venue.log)
    store, report = fetch(venue.rest, tmp_path, begin="2015-01-01")
    assert len([line for line in venue.log[before:] if "kline" in line["path"]]) < 21 + 6
    assert int(store.read_klines(key_of()).timestamp[0]) == parse_time(BEGIN)
    assert report.gaps == () or report.gaps[0][0] > parse_time(BEGIN)  # the void is no gap
    _, again = fetch(venue.rest, tmp_path, begin="2015-01-01")
    assert again.pages == 0


def test_gaps_of_the_venue_are_named(venue: RunningExchange, tmp_path: Path) -> None:
    store, report = fetch(venue.rest, tmp_path)
    stamps = store.read_klines(key_of()).timestamp
    jumps = np.flatnonzero(np.diff(stamps) > 60_000)
    assert report.gaps == tuple((int(stamps[i]) + 60_000, int(stamps[i + 1])) for i in jumps)
    assert report.gaps


def test_an_unfinished_bar_is_neither_stored_nor_counted_as_fetched(tmp_path: Path) -> None:
    now = parse_time("2024-01-02T10:00:30Z")
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, start=now, speed=0) as exchange:
        shown = bybit_rows(exchange.rest, "linear", "BTCUSDT", "2024-01-02T09:59:00Z", "2024-01-02T10:05:00Z")
        assert [int(row[0]) for row in shown] == [now - 90_000, now - 30_000]  # the venue does show it
        store, _ = fetch(exchange.rest, tmp_path)
    assert int(store.read_klines(key_of()).timestamp[-1]) == now - 90_000
    assert store.covered(key_of())[-1][1] == now - 30_000


def test_extension_reads_the_last_stored_bar_again_and_counts_what_was_revised(tmp_path: Path) -> None:
    now = parse_time("2024-01-02T10:00:30Z")
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, start=now, speed=0, fault=["revised_bar=1"]) as hasty:
        fetch(hasty.rest, tmp_path, begin="2024-01-02")
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, start=now + 600_000, speed=0) as calm:
        store, report = fetch(calm.rest, tmp_path, begin="2024-01-02")
        assert (report.pages, report.bars, report.inserted, report.revised) == (1, 11, 10, 1)
        truth = bybit_rows(calm.rest, "linear", "BTCUSDT", "2024-01-02T09:55:00Z", "2024-01-02T10:05:00Z")
        bars = store.read_klines(key_of()).between(parse_time("2024-01-02T09:55:00Z"), now)
        assert stored_rows(bars) == truth[: len(bars)]


def test_refresh_reads_all_again_and_counts_what_was_revised(
    venue: RunningExchange, tmp_path: Path, undisturbed: str
) -> None:
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, speed=0, fault=["revised_bar=1"]) as hasty:
        store, report = fetch(hasty.rest, tmp_path)
        assert dataset_hash(store.read_klines(key_of())) != undisturbed
    _, again = fetch(venue.rest, tmp_path, refresh=True)
    assert again.revised == report.pages == again.pages
    assert dataset_hash(store.read_klines(key_of())) == undisturbed


def test_faults_of_every_kind_leave_the_same_bars(tmp_path: Path, undisturbed: str) -> None:
    faults = ["error_5xx=0.1", "rate_10006=0.05:0.2", "truncated=0.1", "cut_json=0.1", "slow=0.1:0.2", "reset=0.05"]
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, speed=0, fault=faults) as exchange:
        store, report = fetch(exchange.rest, tmp_path)
        struck = {line["fault"] for line in exchange.log} - {None}
    assert len(struck) >= 4
    assert report.retries > 0
    assert dataset_hash(store.read_klines(key_of())) == undisturbed


def test_killed_at_any_instant_it_goes_on_where_it_was(tmp_path: Path, undisturbed: str) -> None:
    # Answers are slow, so that the process dies with pages under way, not only between two of them.
    chance = random.Random(3)
    slow = ["slow=0.5:0.1"]
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, speed=0, fault=slow) as exchange:
        for _ in range(4):
            before = len(exchange.log)
            process = subprocess.Popen([sys.executable, helpers.__file__, exchange.rest, tmp_path])
            deadline = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < deadline:
                if sum("kline" in line["path"] for line in exchange.log[before:]) > chance.randrange(12):
                    break
                time.sleep(0.005)
            process.kill()
            process.wait()
        fetch(exchange.rest, tmp_path)
        asked = Counter(line["query"] for line in exchange.log if line["path"].endswith("/kline"))
        assert {line["status"] for line in exchange.log} == {200}
    assert len(asked) == 21  # the same pages every time
    assert sum(asked.values()) - len(asked) <= 4 * 22
    assert dataset_hash(open_store(tmp_path).read_klines(key_of())) == undisturbed


def test_an_unknown_symbol_is_named_with_its_neighbours(venue: RunningExchange, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fetch(venue.rest, tmp_path, key_of(symbol="BTCUSTD"))
    assert caught.value.code == "unknown_symbol"
    assert "BTCUSDT" in str(caught.value)
    assert open_store(tmp_path).list_series() == []


def test_a_reversed_span_is_refused(venue: RunningExchange, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fetch(venue.rest, tmp_path, begin=END, end=BEGIN)
    assert caught.value.code == "reversed_range"


def test_a_venue_that_is_not_there_is_given_up_soon(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(VenueError) as caught:
        fetch("http://127.0.0.1:9", tmp_path)
    assert caught.value.exit_code == 3
    assert "127.0.0.1:9" in str(caught.value)
    assert time.monotonic() - began < 10


async def test_a_refusal_in_the_middle_is_one_error_and_what_arrived_is_kept(tmp_path: Path) -> None:
    pages = []

    async def handler(request: web.BaseRequest) -> web.Response:
        if not request.path.endswith("/kline"):
            return web.json_response({"retCode": 0, "result": {"timeNano": str(parse_time(END) * 1_000_000)}})
        pages.append(request.query["start"])
        if len(pages) > 3:
            return web.json_response({"retCode": 10005, "retMsg": "Permission denied", "result": {}})
        row = [request.query["start"], "1", "2", "1", "2", "5", "8"]
        return web.json_response({"retCode": 0, "retMsg": "OK", "result": {"list": [row]}})

    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    source = open_history("bybit", key_of().market, Endpoints(f"http://127.0.0.1:{runner.addresses[0][1]}", ""))
    store = open_store(tmp_path)
    with pytest.raises(VenueError, match="10005 Permission denied"):
        await download(source, store, key_of(), parse_time(BEGIN), parse_time(END))
    await source.close()
    await runner.cleanup()
    kept = store.read_klines(key_of()).timestamp.tolist()
    assert int(pages[0]) in kept
    assert set(kept) <= {int(start) for start in pages[:3]}


@pytest.mark.parametrize(("market", "symbol"), [("linear", "BTCUSDT"), ("inverse", "BTCUSD")])
def test_margin_tiers_come_with_the_facts(venue: RunningExchange, tmp_path: Path, market: str, symbol: str) -> None:
    key = key_of(market=market, symbol=symbol)
    report = history(venue.rest, tmp_path, key)
    rows = helpers.ask(venue.rest, "/v5/market/risk-limit", category=market, symbol=symbol)["result"]["list"]
    tiers = open_store(tmp_path).read_tiers("bybit", key.market, symbol)
    assert tiers == report.tiers
    assert tiers is not None
    assert [(t.cap, t.rate, t.max_leverage, t.deduction) for t in tiers.tiers] == [
        tuple(Decimal(row[name]) for name in ("riskLimitValue", "maintenanceMargin", "maxLeverage", "mmDeduction"))
        for row in rows
    ]
    assert tiers.as_of == END
    assert "risk-limit" in tiers.source
    assert find_tiers("bybit", key.market, symbol, store=open_store(tmp_path)) == tiers
    document = report.to_dict()
    assert document["tiers"]["tiers"][0] == [rows[0]["riskLimitValue"], "0.005", "100.00"]
    assert document["notes"] == []


def test_spot_has_no_margin_tiers(venue: RunningExchange, tmp_path: Path) -> None:
    report = history(venue.rest, tmp_path, key_of(market="spot"))
    assert report.tiers is None
    assert report.to_dict()["tiers"] is None
    assert open_store(tmp_path).read_tiers("bybit", key_of(market="spot").market, "BTCUSDT") is None


async def test_without_tiers_the_bars_are_downloaded_and_that_is_said(venue: RunningExchange, tmp_path: Path) -> None:
    source = open_history("bybit", key_of().market, Endpoints(venue.rest, ""))
    facts = next(i for i in await source.instruments() if i.symbol == "BTCUSDT")
    store = open_store(tmp_path)
    refusals = (InputError("There are no margin tiers.", code="bad_tiers"), VenueError("Bybit answered HTTP 500."))
    for refusal in refusals:

        async def tiers(symbol: str, refusal: Exception = refusal) -> Any:
            raise refusal

        source.tiers = tiers
        found, notes = await bring_tiers(source, store, facts)
        assert found is None
        assert len(notes) == 1
        assert str(refusal) in notes[0]
    await source.close()
    assert store.read_tiers("bybit", key_of().market, "BTCUSDT") is None


async def test_risk_limits_are_read_to_their_last_page() -> None:
    rows = [
        {"id": n, "symbol": "BTCUSDT", "riskLimitValue": str(n * 10), "maintenanceMargin": f"0.0{n}"}
        | {"initialMargin": f"0.0{2 * n}", "maxLeverage": str(50 / n), "isLowestRisk": 0}
        for n in (1, 2, 3)
    ]
    asked = []

    async def handler(request: web.BaseRequest) -> web.Response:
        asked.append(dict(request.query))
        at = int(request.query.get("cursor", "page=0").partition("=")[2])
        following = f"page%3D{at + 1}" if at < 2 else ""
        result = {"category": "linear", "list": rows[at : at + 1], "nextPageCursor": following}
        return web.json_response({"retCode": 0, "retMsg": "OK", "result": result, "time": parse_time(END)})

    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    source = open_history("bybit", key_of().market, Endpoints(f"http://127.0.0.1:{runner.addresses[0][1]}", ""))
    tiers = await source.tiers("BTCUSDT")
    await source.close()
    await runner.cleanup()
    assert tiers is not None
    assert [tier.cap for tier in tiers.tiers] == [10, 20, 30]
    assert [query.get("cursor") for query in asked] == [None, "page=1", "page=2"]
    assert tiers.as_of == END


async def test_single_trades_are_not_downloaded(venue: RunningExchange, tmp_path: Path) -> None:
    source = open_history("bybit", key_of().market, Endpoints(venue.rest, ""))
    key = SeriesKey("bybit", key_of().market, "BTCUSDT", None, SeriesKind.TRADE)
    with pytest.raises(InputError, match="not downloaded"):
        await download(source, open_store(tmp_path), key, parse_time(BEGIN), parse_time(END))
    await source.close()


def history(rest: str, folder: Path, key: SeriesKey) -> Any:
    """Download an hour and return the whole report."""
    return run_download(
        key.venue,
        key.market,
        key.symbol,
        Interval("1m"),
        parse_time(BEGIN),
        parse_time(BEGIN) + 3_600_000,
        store=open_store(folder),
        endpoints=Endpoints(rest, ""),
    )


def test_spot_has_no_mark_price(venue: RunningExchange, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mark bars"):
        fetch(venue.rest, tmp_path, key_of(market="spot", kind="mark"))


def test_watchers_are_told_of_every_page(venue: RunningExchange, tmp_path: Path) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.events = []

        def begin(self, name: Any, pages: Any) -> None:
            self.events.append((name, pages))

        def advance(self, bars: int) -> None:
            self.events.append(bars)

        def waiting(self, seconds: Any, reason: Any) -> None:
            self.events.append((seconds, reason))

        def end(self) -> None:
            self.events.append("end")

    watcher = Watcher()
    _, report = fetch(venue.rest, tmp_path, progress=watcher)
    assert watcher.events[0] == ("bybit/linear/BTCUSDT/kline/1m", report.pages)
    assert sum(watcher.events[1:-1]) == report.bars
    assert len(watcher.events) == report.pages + 2
    assert watcher.events[-1] == "end"


def test_interrupted_by_the_keyboard_it_keeps_what_arrived(tmp_path: Path) -> None:
    with running_exchange("bybit", seed=11, from_=BEGIN, to=END, speed=0, fault=["slow=1:0.15"]) as exchange:
        process = subprocess.Popen([sys.executable, helpers.__file__, exchange.rest, tmp_path], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not open_store(tmp_path).covered(key_of()) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=20)[1].decode()
    store = open_store(tmp_path)
    held = sum(b - a for a, b in store.covered(key_of()))
    assert "KeyboardInterrupt" in errors
    assert "never awaited" not in errors
    assert 0 < held < parse_time(END) - parse_time(BEGIN)
    assert len(store.read_klines(key_of())) > 0
