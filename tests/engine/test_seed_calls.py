"""The two coroutines of the documents: what the engine gives, for bars in every form that people hold."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from engine_markets import SINGLES, instrument_of, random_klines

from real_trade.backtest import AccountSettings, BacktestResult, backtest, backtest_strategy, generate_signals
from real_trade.data.instruments import resolve_instrument
from real_trade.model import InputError, JobFailed, Market
from real_trade.model.order import OrderType
from real_trade.model.series import COLUMNS, Klines
from real_trade.storage import open_store
from real_trade.strategies.catalogue import READY
from real_trade.strategies.sma_cross import SmaCross
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from collections.abc import Callable

KLINES = random_klines(41, 3000, tick=0.1)
FAST: dict[str, object] = {"fast": 5, "slow": 20}
BYBIT, _ = resolve_instrument("bybit", Market.LINEAR, "BTCUSDT", klines=KLINES)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default folder; no test reads the user's."""
    for name in [name for name in os.environ if name.startswith("RT_") and name != "RT_CACHE_DIR"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def rows_of(klines: Klines, **names: str) -> list[dict[str, Any]]:
    return [names | {name: getattr(klines, name)[row].item() for name in COLUMNS} for row in range(len(klines))]


def frame_of(klines: Klines, symbol: str = "BTCUSDT", interval: str = "1m") -> pd.DataFrame:
    columns = {name: getattr(klines, name) for name in COLUMNS}
    return pd.DataFrame(columns).assign(symbol=symbol, interval=interval)


def same(one: BacktestResult, other: BacktestResult) -> bool:
    return one.hashes == other.hashes and bool((one.equity_units == other.equity_units).all())


@pytest.mark.parametrize(
    ("call", "documented"),
    [(generate_signals, ["data"]), (backtest_strategy, ["strategy", "data", "params"])],
)
def test_the_documented_arguments_come_first_and_unchanged(call: Callable[..., Any], documented: list[str]) -> None:
    parameters = inspect.signature(call).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == documented
    assert inspect.iscoroutinefunction(call)


async def test_as_the_document_writes_them() -> None:
    data, strategy, params = frame_of(KLINES), "sma_cross", FAST
    result = await backtest_strategy(strategy, data, params)
    settings = AccountSettings(Decimal("10000.0"))
    assert same(result, backtest(SmaCross, KLINES, BYBIT, params=FAST, settings=settings))
    assert len(result.trades) > 10
    signals = await generate_signals(data)
    assert len(signals) == len((await backtest_strategy("sma_cross", data)).order_rows) > 10


@pytest.mark.parametrize("name", SINGLES)
async def test_signals_are_the_orders_of_the_backtest(name: str) -> None:
    signals = await generate_signals(frame_of(KLINES), strategy=name)
    orders = backtest(load_strategy(name, READY), KLINES, BYBIT).order_rows
    tick, step = Decimal(str(BYBIT.tick_size)), Decimal(str(BYBIT.quantity_step))
    assert len(signals) == len(orders) > 0
    for name_of_column, field in (
        ("timestamp", "time_ms"),
        *((n, n) for n in ("bar", "order_id", "flags", "entry_id")),
    ):
        assert signals[name_of_column].tolist() == orders[field].tolist()
    assert signals["side"].tolist() == ["buy" if side > 0 else "sell" for side in orders["side"].tolist()]
    assert signals["type"].tolist() == [OrderType(kind).name.lower() for kind in orders["type"].tolist()]
    # Floats are the nearest to the exact decimals.
    assert signals["quantity"].tolist() == [float(step * lots) for lots in orders["lots"].tolist()]
    for column, field in (("price", "price_ticks"), ("trigger", "trigger_ticks")):
        exact = [float(tick * ticks) if ticks else None for ticks in orders[field].tolist()]
        assert [None if np.isnan(value) else value for value in signals[column].tolist()] == exact
    np.testing.assert_array_equal(signals["timestamp"], KLINES.timestamp[signals["bar"]])
    assert set(signals["symbol"]) == {"BTCUSDT"} and set(signals["interval"]) == {"1m"}


async def test_without_decisions_there_are_no_rows() -> None:
    signals = await generate_signals(KLINES.take(slice(0, 5)))
    assert signals.empty
    assert list(signals.columns)[:2] == ["timestamp", "symbol"] and signals["timestamp"].dtype == np.int64


async def test_every_form_of_the_bars_gives_the_same() -> None:
    frame = frame_of(KLINES)
    rows = rows_of(KLINES, symbol="BTC/USDT", interval="1")
    stamps = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    # A frame as query_kline_data gives it carries no names: they are those of the session.
    bare = frame.drop(columns=["symbol", "interval", "synthetic", "turnover"])
    expected = await backtest_strategy("sma_cross", KLINES, FAST, symbol="BTCUSDT", interval="1m")
    for data in (KLINES, frame, rows, frame.assign(timestamp=stamps), frame[::-1], rows[::-1], iter(rows), bare):
        assert same(await backtest_strategy("sma_cross", data, FAST), expected)
    assert KLINES.timestamp[0] < KLINES.timestamp[-1]


async def test_every_form_of_the_strategy_gives_the_same(strategy_file: Callable[[str], str]) -> None:
    path = strategy_file("from real_trade.strategies.sma_cross import SmaCross\n\n\nclass Mine(SmaCross):\n    pass\n")
    expected = (await backtest_strategy("sma_cross", KLINES, FAST)).hashes["orders"]
    for strategy in (SmaCross, path, Path(path), f"{path}:Mine"):
        assert (await backtest_strategy(strategy, KLINES, FAST)).hashes["orders"] == expected


async def test_the_session_is_the_configured_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "EXCHANGE": "binance",
        "MARKET_TYPE": "spot",
        "SYMBOL": "ETH/USDT",
        "TIMEFRAME": "5m",
        "INITIAL_CASH": "2500",
        "COMMISSION": "0.0002",
    }.items():
        monkeypatch.setenv(f"RT_{name}", value)
    klines = replace(KLINES, timestamp=KLINES.timestamp[0] + (KLINES.timestamp - KLINES.timestamp[0]) * 5)
    result = await backtest_strategy("sma_cross", klines)
    data, settings = result.data, result.settings
    assert (data.venue, data.market, data.symbol, data.interval) == ("binance", "spot", "ETHUSDT", "5m")
    assert (settings["cash"], settings["fee_taker"], settings["fee_maker"]) == ("2500.0", "0.0002", "0.0002")
    assert not data.gaps
    # What is said in the call wins.
    own = AccountSettings(Decimal(777))
    result = await backtest_strategy(
        "sma_cross", klines, venue="bybit", market="linear", symbol="BTCUSDT", interval="5", settings=own
    )
    assert (result.data.venue, result.data.market, result.data.symbol) == ("bybit", "linear", "BTCUSDT")
    assert result.settings["cash"] == "777" and result.settings["fee_taker"] == "0.00055"


async def test_the_store_knows_the_instrument(tmp_path: Path) -> None:
    instrument = instrument_of("spot", tick="0.1", step="0.5")
    open_store(tmp_path / "other").write_instruments([instrument])
    context: dict[str, Any] = {"venue": "binance", "market": "spot", "data_dir": tmp_path / "other"}
    result = await backtest_strategy("sma_cross", KLINES, {"size": "0.5"}, **context)
    assert result.instrument == instrument
    guessed = await backtest_strategy("sma_cross", frame_of(KLINES, "NEWUSDT"))
    assert guessed.instrument.inferred and any("inferred" in warning for warning in guessed.warnings)


async def test_the_loop_stays_free_and_calls_run_side_by_side() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counter = asyncio.create_task(count())
    alone = await backtest_strategy("sma_cross", KLINES, FAST, runner="python")
    assert turns > 10
    counter.cancel()
    together = await asyncio.gather(*(backtest_strategy(name, KLINES) for name in ("breakout", "sma_cross") * 3))
    assert len({result.hashes["orders"] for result in together}) == 2
    assert same(await backtest_strategy("sma_cross", KLINES, FAST), alone)


async def test_options_of_the_backtest_are_there() -> None:
    gap = KLINES.take(np.r_[0:1000, 1010:3000])
    assert any("10 bars are missing" in warning for warning in (await backtest_strategy("sma_cross", gap)).warnings)
    with pytest.raises(JobFailed):
        await backtest_strategy("sma_cross", gap, strict=True)
    assert (await backtest_strategy("sma_cross", KLINES)).data.findings is not None
    assert (await backtest_strategy("sma_cross", KLINES.take(slice(0, 500)), trust=True)).trust is not None


FRAME = frame_of(KLINES.take(slice(0, 30)))


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ([], "data", "no bars"),
        (Klines.empty(), "data", "no bars"),
        ("bars.csv", "data", "given as str"),
        (None, "data", "given as NoneType"),
        ([(1, 2, 3)], "data", "given as list"),
        (FRAME.drop(columns="close"), "close", "missing"),
        (FRAME.assign(vwap=1.0), "vwap", "no column"),
        (FRAME.assign(high=float("nan")), "high", "not a number"),
        (FRAME.assign(low=FRAME["high"] + 1), "high", "outside"),
        (FRAME.assign(close=0.0), "close", "grid"),
        (FRAME.assign(timestamp=FRAME["timestamp"] // 1000), "timestamp", "milliseconds"),
        (FRAME.assign(timestamp=FRAME["timestamp"].iloc[0]), "timestamp", "Two bars open at 2024-01-01T00:00:00Z"),
        (FRAME.assign(interval="7m"), "interval", "Unknown interval"),
        (FRAME.assign(symbol="a symbol"), "symbol", "not a symbol"),
        (FRAME.assign(symbol=["BTCUSDT", "ETHUSDT"] * 15), "data", "2 series: BTCUSDT 1m, ETHUSDT 1m"),
        (FRAME.drop(columns="interval")[::2], "interval", "no two of them are 1m apart"),
    ],
)
async def test_bars_that_cannot_be_used_are_named(data: Any, field: str, words: str) -> None:
    for call in (backtest_strategy("sma_cross", data, {}), generate_signals(data)):
        with pytest.raises(InputError, match=words) as caught:
            await call
        assert caught.value.field == field
        assert caught.value.fix


@pytest.mark.parametrize(
    ("strategy", "params", "context", "field"),
    [
        ("sma_crossing", {}, {}, "strategy"),
        ("nowhere.py", {}, {}, "strategy"),
        (SmaCross(), {}, {}, "strategy"),
        (None, {}, {}, "strategy"),
        ("sma_cross", {"quick": 3}, {}, "quick"),
        ("sma_cross", ["fast"], {}, "params"),
        ("sma_cross", {"fast": "many"}, {}, "fast"),
        ("sma_cross", {}, {"venue": "kraken"}, "venue"),
        ("sma_cross", {}, {"market": "options"}, "market"),
        ("sma_cross", {}, {"market": "spot", "symbol": "BTC/USDT:USDT"}, "symbol"),
        ("sma_cross", {}, {"interval": "7m"}, "interval"),
        ("sma_cross", {}, {"runner": "walker"}, "runner"),
        ("sma_cross", {}, {"settings": AccountSettings(Decimal(0))}, "cash"),
    ],
)
async def test_other_arguments_that_cannot_be_used_are_named(
    strategy: Any, params: Any, context: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        await backtest_strategy(strategy, KLINES, params, **context)
    assert caught.value.field == field
    assert caught.value.fix


async def test_names_are_given_once() -> None:
    with pytest.raises(InputError, match="twice") as caught:
        await backtest_strategy("sma_cross", frame_of(KLINES), {}, symbol="BTCUSDT")
    assert caught.value.field == "symbol"


async def test_the_guides_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
    blocks = [text.partition("```")[0] for text in guide.split("```python\n")[1:]]
    (tmp_path / "my_idea.py").write_text(blocks[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (lines,) = [text for text in blocks if "backtest_strategy" in text]
    names: dict[str, Any] = {"data": frame_of(KLINES)}
    await eval(compile(lines, "guide", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    assert len(names["result"].trades) > 0
    assert len(names["signals"]) > 0


def test_importing_the_room_is_light() -> None:
    program = (
        "import sys, real_trade.backtest as room\n"
        "heavy = ('numpy', 'numba', 'pandas', 'pyarrow', 'sqlalchemy', 'pydantic', 'asyncio')\n"
        "assert not [name for name in heavy if name in sys.modules]\n"
        "for name in room.__all__: assert getattr(room, name).__doc__, name\n"
        "try: room.no_such_name\n"
        "except AttributeError: pass\n"
        "else: raise AssertionError\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
