"""A strategy is a page; a wrong one gets a sentence that a trader understands."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import backtest
from real_trade.model import InputError, RealTradeError, StrategyError
from real_trade.strategies.catalogue import READY
from real_trade.strategies.sma_cross import SmaCross
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = """
from typing import NamedTuple
from real_trade.trading import Strategy, Int, Float, Quantity, Choice, compiled

class Memory(NamedTuple):
    count: int = 0
    level: float = 0.0

"""


def with_on_bar(body: str, extra: str = "") -> str:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return (
        f"{HEAD}{extra}\nclass Mine(Strategy):\n    window = Int(3, 1, 100)\n    State = Memory\n"
        f"    @staticmethod\n    def on_bar(bar, x, state, p, desk):\n{lines}\n"
    )


WRONG_STATE = """
class A(Strategy):
    State = int
    @staticmethod
    def on_bar(bar, x, state, p, desk):
        return state
"""


def run(spec: str, runner: str = "compiled") -> object:
    return backtest(load_strategy(spec, READY), random_klines(1, 50), instrument_of(), runner=runner)  # type: ignore[arg-type]


def test_a_good_file_runs_in_every_runner(strategy_file: Callable[[str], str]) -> None:
    spec = strategy_file(
        with_on_bar(
            "if state.count % 10 == 3:\n    desk.buy(enough(p.window))\n"
            "return Memory(state.count + 1, float(bar.close))",
            "@compiled\ndef enough(n):\n    return n * 1000\n",
        )
    )
    results = [run(spec, runner) for runner in ("compiled", "python", "reference")]
    hashes = {result.hashes["orders"] for result in results}  # type: ignore[attr-defined]
    assert len(hashes) == 1
    assert len(results[0].fill_rows) == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "extra", "words"),
    [
        ("return missing(state)", "", "missing"),
        ("return Memory(state.count + helper(1), 0.0)", "def helper(n):\n    return n\n", "@compiled"),
        ("return Memory(bar.colse, 0.0)", "", "colse"),
        ("return Memory(state.count, x.nothing_here)", "", "nothing_here"),
        ("desk.buy_everything(1)\nreturn state", "", "buy_everything"),
        ("if bar.close < state.count:\n    return Memory(1, 0.0)", "", "every path"),
        ("return Memory('a', 0.0)", "", "Mine"),
        ("return Memory(1 // (bar.close - bar.close), 0.0)", "", "zero"),
        ("with open('x') as f:\n    return state", "", "compiled"),
    ],
)
def test_a_wrong_on_bar_is_explained(strategy_file: Callable[[str], str], body: str, extra: str, words: str) -> None:
    spec = strategy_file(with_on_bar(body, extra))
    with pytest.raises(StrategyError) as caught:
        run(spec)
    text = str(caught.value)
    assert words in text
    assert len(text) < 400, "one clear sentence, not a compiler's traceback"
    assert "nopython" not in text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def broken(:\n", "mine.py:1"),
        ("import no_such_library\n", "no_such_library"),
        ("x = 1\n", "defines 0 strategies"),
        (HEAD + "class A(Strategy):\n    def on_bar(self, bar):\n        pass\n", "staticmethod"),
        (HEAD + WRONG_STATE, "NamedTuple"),
        (HEAD + WRONG_STATE.replace("State = int", "target = Int(1, 0, 5)"), "the desk does"),
        (HEAD + "class A(Strategy):\n    pass\n", "on_bar"),
    ],
)
def test_a_wrong_file_is_explained(strategy_file: Callable[[str], str], source: str, words: str) -> None:
    with pytest.raises(StrategyError) as caught:
        run(strategy_file(source))
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_features_of_the_wrong_length_are_refused(strategy_file: Callable[[str], str]) -> None:
    source = (
        with_on_bar("return state")
        + "    @staticmethod\n    def features(bars, p):\n        return {'short': bars.close[:-1]}\n"
    )
    with pytest.raises(StrategyError, match="one number per bar"):
        run(strategy_file(source))


def test_a_flood_of_orders_ends_the_run(strategy_file: Callable[[str], str]) -> None:
    spec = strategy_file(with_on_bar("for _ in range(65):\n    desk.buy(1)\nreturn state"))
    for runner in ("compiled", "python", "reference"):
        with pytest.raises(StrategyError) as caught:
            run(spec, runner)
        assert caught.value.code == "too_many_orders"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"fast": 0}, "from 1"),
        ({"fast": "many"}, "whole number"),
        ({"fsat": 3}, "Did you mean fast"),
        ({"fast": 100, "slow": 100}, "fast < slow"),
        ({"size": "-1"}, "quantity"),
        ({"size": "nan"}, "quantity"),
        ({"size": "0.000001"}, "multiple"),
        ({"mode": "sideways"}, "long_flat"),
        ({"mode": "long_short"}, "spot"),
    ],
)
def test_wrong_parameters_are_explained(params: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        SmaCross.resolve_params(params, instrument_of("spot"))
    assert words in str(caught.value)
    assert caught.value.field


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(RealTradeError, match="sma_cross"):
        load_strategy("sma_corss", READY)


def test_a_second_process_does_not_compile(tmp_path: Path, strategy_file: Callable[[str], str]) -> None:
    """The second run of the same file finds its machine code; a changed file does not."""
    spec = strategy_file(with_on_bar("if state.count == 3:\n    desk.buy(1000)\nreturn Memory(state.count + 1, 0.0)"))
    program = (
        "import sys\n"
        "from engine_markets import instrument_of, random_klines\n"
        "from real_trade.backtest import backtest\n"
        "from real_trade.backtest import codegen\n"
        "from real_trade.trading.loading import load_strategy\n"
        f"strategy = load_strategy({spec!r}, {{}})\n"
        "backtest(strategy, random_klines(1, 50), instrument_of())\n"
        "stats = next(iter(codegen._LOOPS.values())).stats\n"
        "print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))\n"
    )
    environment = {
        **os.environ,
        "RT_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }

    def in_new_process() -> str:
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
        ).stdout.strip()

    assert in_new_process() == "0 1"
    assert in_new_process() == "1 0"
    strategy_file(with_on_bar("if state.count == 4:\n    desk.buy(1000)\nreturn Memory(state.count + 1, 0.0)"))
    assert in_new_process() == "0 1"


def test_the_same_file_in_another_folder_runs(tmp_path: Path) -> None:
    """Machine code found on disk names no class of the file that it was first made for."""
    source = with_on_bar("if state.count == 3:\n    desk.buy(1000)\nreturn Memory(state.count + 1, 0.5)")
    for folder in ("one", "two"):
        path = tmp_path / folder / "mine.py"
        path.parent.mkdir()
        path.write_text(source, encoding="utf-8")
        assert run_in_new_process(path, tmp_path) == ""


def test_a_renamed_class_does_not_spoil_the_cache(tmp_path: Path) -> None:
    """A helper's index on disk may name a class that the file no longer has."""
    helper = "@compiled\ndef more(state):\n    return state.count + 1\n"
    source = with_on_bar("return Memory(more(state), 0.0)", helper)
    path = tmp_path / "mine.py"
    for text in (source, source.replace("Memory", "Recollection")):
        path.write_text(text, encoding="utf-8")
        assert run_in_new_process(path, tmp_path) == ""


def run_in_new_process(path: Path, folder: Path) -> str:
    """Backtest a file in a process of its own; return what it complains of."""
    program = (
        "from engine_markets import instrument_of, random_klines\n"
        "from real_trade.backtest import backtest\n"
        "from real_trade.trading.loading import load_strategy\n"
        f"backtest(load_strategy({str(path)!r}, {{}}), random_klines(1, 50), instrument_of())\n"
    )
    environment = {
        **os.environ,
        "RT_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return "" if done.returncode == 0 else done.stderr[-500:]


def test_a_strategy_can_refuse_bars_that_were_filled_in(strategy_file: Callable[[str], str]) -> None:
    spec = strategy_file(with_on_bar("if not bar.synthetic:\n    desk.buy(1000)\nreturn state"))
    klines = random_klines(1, 50)
    flags = np.arange(50) % 2 == 0
    marked = replace(klines, synthetic=flags)
    for runner in ("compiled", "python", "reference"):
        result = backtest(load_strategy(spec, READY), marked, instrument_of(), runner=runner)  # type: ignore[arg-type]
        assert result.order_rows["bar"].tolist() == np.flatnonzero(~flags).tolist()
        assert result.data.synthetic == 25
        assert "filled in" in result.warnings[0]
