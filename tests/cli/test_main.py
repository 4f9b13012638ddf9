"""The edge of the process: help, speed of start, unknown words, exit codes, one JSON document."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from real_trade import __version__
from real_trade.cli import main as edge
from real_trade.cli.registry import VERBS
from real_trade.model.errors import (
    InputError,
    JobFailed,
    RateLimited,
    RealTradeError,
    SafetyRefusal,
    StorageError,
    VenueError,
)

if TYPE_CHECKING:
    from real_trade.testing.exchange_process import RunningExchange

    from .conftest import Cli

HEAVY = ("numpy", "numba", "pandas", "pydantic", "pyarrow", "sqlalchemy", "aiohttp", "rich", "plotly", "jinja2")


def start(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "real_trade.cli.main", *words], capture_output=True, text=True, check=False, **options
    )


def test_help_names_every_verb_and_the_exit_codes(cli: Cli) -> None:
    ran = cli("--help")
    assert ran.code == 0
    for name, verb in VERBS.items():
        assert f"{name} " in ran.out
        assert verb.summary in ran.out
    assert "exit codes:" in ran.out
    assert cli().out == ran.out


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"real-trade {__version__}\n"


def test_help_starts_fast_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from real_trade.cli.main import main; main(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stderr == "[]\n"
    took = []
    for _ in range(3):
        began = time.perf_counter()
        assert start("--help").returncode == 0
        took.append(time.perf_counter() - began)
    assert min(took) < 0.4


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_with_an_example_and_the_common_flags(cli: Cli, name: str) -> None:
    ran = cli(name, "--help")
    assert ran.code == 0
    assert "example:" in ran.out
    for line in VERBS[name].example.splitlines():
        assert line.startswith(f"real-trade {name}")
        assert line in ran.out
    for flag in ("--json", "--config", "--help", "--debug"):
        assert flag in ran.out


@pytest.mark.parametrize("name", VERBS)
def test_every_example_is_made_of_flags_that_exist(name: str) -> None:
    """The parser must take each example as it is written."""
    import shlex

    for line in VERBS[name].example.splitlines():
        assert vars(edge.verb_parser(name).read(shlex.split(line)[2:]))


@pytest.mark.parametrize(
    ("words", "code", "field", "fix"),
    [
        (["backtst"], "unknown_command", "command", "Did you mean backtest?"),
        (["--jason"], "unknown_flag", "--jason", "after the command"),
        (["show-config", "--venu", "bybit"], "unknown_flag", "--venu", "Did you mean --venue?"),
        (["list-data", "--zzz"], "unknown_flag", "--zzz", "--help"),
        (["list-data", "surplus"], "bad_usage", "arguments", "--help"),
        (["show-config", "--symbol"], "bad_usage", "--symbol", "--help"),
        (["backtest"], "bad_usage", "--strategy", "--help"),
        (["backtest", "--strategy", "sma_cross", "--runner", "abacus"], "bad_usage", "--runner", "--help"),
    ],
)
def test_wrong_words_give_one_line_and_a_hint(cli: Cli, words: list[str], code: str, field: str, fix: str) -> None:
    ran = cli(*words, "--json")
    assert ran.code == 2
    assert (ran.error["code"], ran.error["field"]) == (code, field)
    assert fix in ran.error["fix"]
    plain = cli(*words)
    assert (plain.code, plain.out) == (2, "")
    assert len(plain.err.splitlines()) == 1


class Boom(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JobFailed("bad data"), 1),
        (InputError("bad flag", field="symbol", value="X", fix="Mend it."), 2),
        (VenueError("venue is away"), 3),
        (RateLimited("too many", retry_after_s=1.0), 3),
        (StorageError("store is away"), 3),
        (OSError(28, "No space left on device", "/data/x"), 3),
        (ConnectionRefusedError(111, "Connection refused"), 3),
        (SafetyRefusal("not safe"), 4),
        (Boom("two\nlines"), edge.EXIT_INTERNAL),
        (InputError("\x1b[2J\x07cleared"), 2),
        (KeyboardInterrupt(), edge.EXIT_INTERRUPTED),
    ],
)
def test_every_error_becomes_its_exit_code_and_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr("real_trade.cli.verbs.list_data.run", fail)
    ran = cli("list-data")
    assert (ran.code, ran.out) == (code, "")
    assert len(ran.err.splitlines()) == 1
    assert ran.err.rstrip("\n").isprintable()
    if isinstance(error, KeyboardInterrupt):
        assert cli("list-data", "--json").json["error"]["code"] == "interrupted"
    if isinstance(error, Exception):
        found = cli("list-data", "--json")
        assert found.code == code
        assert found.error["code"]
    if isinstance(error, RealTradeError):
        assert found.error == error.to_dict()
    if isinstance(error, Boom):
        assert "Traceback" in cli("list-data", "--debug").err


def test_a_full_disk_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device", "/data/x")

    monkeypatch.setattr("real_trade.cli.verbs.list_data.run", fail)
    assert cli("list-data", "--json").error["code"] == "disk_full"


def test_who_stops_reading_is_not_an_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "real_trade.cli.main", "show-config", "--schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(20) == edge.EXIT_PIPE
    process.stderr.close()


def test_ctrl_c_ends_with_130_and_keeps_what_came(tmp_path: Path, exchange: RunningExchange) -> None:
    from real_trade.testing.exchange_process import running_exchange

    with running_exchange("bybit", seed=3, from_="2024-01-01", to="2024-01-11", fault=["slow=1:0.7"]) as slow:
        environment = {**os.environ, "RT_BYBIT_REST_URL": slow.rest}
        words = ["download-data", "--data-dir", str(tmp_path / "d"), "--from", "2024-01-01", "--to", "2024-01-11"]
        process = subprocess.Popen(
            [sys.executable, "-m", "real_trade.cli.main", *words],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        while not any("kline" in str(line) for line in slow.log):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == edge.EXIT_INTERRUPTED
    assert (out, err) == ("", "interrupted\n")


def test_numbers_that_json_does_not_have_become_null() -> None:
    from decimal import Decimal

    import numpy as np

    from real_trade.cli.output import json_text

    document = {
        "a": float("nan"),
        "b": [float("inf"), np.float64(1.5), np.int64(3)],
        "c": Decimal("0.10"),
        "d": Path("x"),
    }
    assert json.loads(json_text(document)) == {"a": None, "b": [None, 1.5, 3], "c": "0.10", "d": "x"}
