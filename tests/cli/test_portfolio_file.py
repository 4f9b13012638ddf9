"""The TOML file of a portfolio: what it may say, and how it is told what it says wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from real_trade.cli.portfolio_file import read_portfolio
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
[[strategy]]
name = "sma_cross"
symbols = ["BTC/USDT:USDT"]
share = 0.3
params = { fast = 20, slow = 100, size = 0.010, mode = "long_short" }

[[strategy]]
name = "mine.py:Mine"
symbols = ["ethusdt", "BTCUSDT"]
"""
MINE = """
from real_trade.trading import Strategy

class Mine(Strategy):
    symbols = 2

    @staticmethod
    def on_bars(bars, x, state, p, desks):
        return state

class Other(Mine):
    pass
"""


def read(folder: Path, text: str) -> list[object]:
    path = folder / "portfolio.toml"
    path.write_text(text, encoding="utf-8")
    return list(read_portfolio(path, "bybit", Market.LINEAR))


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    first, second = read(tmp_path, WHOLE)
    assert first.strategy.name() == "sma_cross"
    assert (first.symbols, first.share) == (("BTCUSDT",), Decimal("0.3"))
    # Text, so that no decimal is lost on the way to a parameter.
    assert first.params == {"fast": "20", "slow": "100", "size": "0.010", "mode": "long_short"}
    assert second.strategy.__name__ == "Mine"
    assert (second.symbols, second.share, second.params) == (("ETHUSDT", "BTCUSDT"), None, {})


HEAD = '[[strategy]]\nname = "sma_cross"\nsymbols = ["BTCUSDT"]\n'


@pytest.mark.parametrize(
    ("text", "code", "field", "value", "fix"),
    [
        ("", "bad_portfolio", "--portfolio", "portfolio.toml", "Write one for each strategy"),
        ("strategy = 3", "bad_portfolio", "--portfolio", "portfolio.toml", "Write one for each strategy"),
        ("strategy = []", "bad_portfolio", "--portfolio", "portfolio.toml", "Write one for each strategy"),
        ('strategy = ["sma_cross"]', "bad_portfolio", "--portfolio", "portfolio.toml", "Write one for each strategy"),
        ("[[strategies]]\n" + HEAD[13:], "unknown_key", "strategies", "strategies", "Did you mean strategy?"),
        (HEAD + "cash = 3", "unknown_key", "strategy[1].cash", "cash", "Known: name, symbols, share, params."),
        (HEAD + "shre = 0.5", "unknown_key", "strategy[1].shre", "shre", "Did you mean share?"),
        (HEAD + HEAD + "param = {}", "unknown_key", "strategy[2].param", "param", "Did you mean params?"),
        ('[[strategy]]\nsymbols = ["BTCUSDT"]', "bad_portfolio", "strategy[1].name", "", "Give it name ="),
        ('[[strategy]]\nname = "sma_cross"', "bad_portfolio", "strategy[1].symbols", "", 'symbols = ["BTCUSDT"]'),
        ("[[strategy]]\nname = 3", "bad_portfolio", "strategy[1].name", "3", "the name of a ready"),
        ("[[strategy]]\nname = true", "bad_portfolio", "strategy[1].name", "True", "the name of a ready"),
        (
            '[[strategy]]\nname = "sma_cros"\nsymbols = ["A"]',
            "unknown_strategy",
            "strategy[1].name",
            "sma_cros",
            "sma_cross",
        ),
        (
            '[[strategy]]\nname = "absent.py"\nsymbols = ["A"]',
            "bad_input",
            "strategy[1].name",
            "absent.py",
            "Check the path",
        ),
        (
            HEAD.replace('["BTCUSDT"]', '"BTCUSDT"'),
            "bad_portfolio",
            "strategy[1].symbols",
            "BTCUSDT",
            "a list of symbols",
        ),
        (HEAD.replace('"BTCUSDT"', "3"), "bad_portfolio", "strategy[1].symbols", "3", "a list of symbols"),
        (HEAD.replace("BTCUSDT", "../x"), "unknown_symbol", "strategy[1].symbols", "../x", "Write it as"),
        (HEAD + "share = 0", "bad_portfolio", "strategy[1].share", "0", "above 0 and up to 1"),
        (HEAD + "share = 1.01", "bad_portfolio", "strategy[1].share", "1.01", "above 0 and up to 1"),
        (HEAD + "share = nan", "bad_portfolio", "strategy[1].share", "NaN", "above 0 and up to 1"),
        (HEAD + 'share = "half"', "bad_portfolio", "strategy[1].share", "half", "above 0 and up to 1"),
        (HEAD + "share = true", "bad_portfolio", "strategy[1].share", "True", "above 0 and up to 1"),
        (HEAD + "params = 3", "bad_portfolio", "strategy[1].params", "3", "a table"),
        (HEAD + "params = { fast = [1] }", "bad_portfolio", "strategy[1].params.fast", "[1]", "a number or a word"),
        (HEAD + "params = { fast = false }", "bad_portfolio", "strategy[1].params.fast", "False", "a number or a word"),
        (HEAD + "share =", "bad_toml", "--portfolio", "portfolio.toml", "Correct its last line."),
        (HEAD + "share = x\n", "bad_toml", "--portfolio", "portfolio.toml", "Correct line 4."),
        (HEAD + "share = 1" + "0" * 5000, "bad_toml", "--portfolio", "portfolio.toml", ""),
        ("x = " + "[" * 5000, "bad_toml", "--portfolio", "portfolio.toml", ""),
        ("#" * 1_000_001, "unreadable_portfolio", "--portfolio", "portfolio.toml", "Check the path."),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, code: str, field: str, value: str, fix: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    error = caught.value
    assert (error.code, error.field, error.exit_code) == (code if code != "bad_input" else error.code, field, 2)
    assert str(error.value or "").removeprefix(f"{tmp_path}/") == value
    assert fix in str(error.fix)


def test_files_that_are_no_text_or_absent_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as caught:
            read_portfolio(path, "bybit", Market.LINEAR)
        assert (caught.value.code, caught.value.field) == ("unreadable_portfolio", "--portfolio")
    (tmp_path / "latin.toml").write_bytes(b'[[strategy]]\nname = "\xff"')
    with pytest.raises(InputError, match="is not TOML"):
        read_portfolio(tmp_path / "latin.toml", "bybit", Market.LINEAR)


lines = st.sampled_from(
    [
        *[
            "[[strategy]]",
            "[strategy]",
            'name = "sma_cross"',
            "name = 2024-01-01",
            'symbols = ["BTCUSDT"]',
            "symbols = []",
        ],
        *["share = 0.5", "share = 1e400", "share = -inf", "params = {}", "params = { fast = 3 }", "[strategy.params]"],
        *["fast = 1", "="],
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, max_size=8))
def test_any_lines_are_read_or_refused(tmp_path: Path, words: list[str]) -> None:
    refused = None
    try:
        read(tmp_path, "\n".join(words))
    except InputError as error:
        refused = error
    assert refused is None or (refused.field and refused.fix)
