"""Whatever the words: one JSON document, one line, a documented exit code, no traceback, an unharmed store."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from real_trade.cli.main import main, verb_parser
from real_trade.cli.registry import VERBS

from .conftest import tree

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

# The server would wait for a signal, and the real venues are not to be asked.
TESTED = sorted(set(VERBS) - {"exchange", "download-data"})
FLAGS = sorted(
    {flag for name in TESTED for flag in verb_parser(name)._option_string_actions} - {"-h", "--help", "--debug"}
)
VALUES = [
    *["", "0", "-1", "nan", "1e999", "x", "1m", "60", "7m", "2024-01-01", "2024-01-03", "1704067200000"],
    *["BTCUSDT", "BTC/USDT", "../..", "spot", "linear", "inverse", "bybit", "binance", "sma_cross"],
    *["fast=5", "fast=5 slow=20", "fast", "\u2028", "a\nb", "absent.csv", "absent.toml", ".", "fill", "python"],
    "Ж" * 300,
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    verb=st.sampled_from([*TESTED, "backtst", ""]),
    words=st.lists(st.sampled_from(FLAGS) | st.sampled_from(VALUES), max_size=6),
)
def test_any_words_end_well(stock: Path, tmp_path: Path, verb: str, words: list[str]) -> None:
    before = tree(stock)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([verb, *words, "--json"])
    document = json.loads(out.getvalue())
    assert code in {0, 1, 2, 3, 4}, err.getvalue()
    assert "Traceback" not in err.getvalue()
    if "error" in document and isinstance(document["error"], dict):
        assert code != 0
        assert len([line for line in err.getvalue().split("\n") if line.startswith("error: ")]) == 1
        assert tree(stock) == before or "--repair" in words
    for made in tmp_path.glob("*.py"):
        made.unlink()


def test_a_disk_that_fills_up_while_a_picture_is_written(cli: Cli, stock: Path) -> None:
    ran = cli("verify-data", "--calendar", "/dev/full", "--json")
    assert (ran.code, ran.error["code"]) == (3, "disk_full")


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare to mount a small disk for one process")
def test_a_full_disk_leaves_the_store_as_it_was(stock: Path, tmp_path: Path) -> None:
    """The store lies on a disk of its own, too small for what is imported; the disk ends with the shell."""
    bars = tmp_path / "binance_spot_BTCUSDT_1m.csv"
    dice = random.Random(1)
    prices = ((dice.randrange(1000, 2000) / 10, dice.randrange(1000, 2000) / 10) for _ in range(120_000))
    rows = "".join(
        f"{1_704_067_200_000 + row * 60_000},{first},300,50,{last},{dice.random()}\n"
        for row, (first, last) in enumerate(prices)
    )
    bars.write_text(f"timestamp,open,high,low,close,volume\n{rows}")
    disk = tmp_path / "disk"
    disk.mkdir()
    listing = f"(cd {disk} && find . -type f ! -name '*.lock' -exec sha256sum {{}} + | sort)"
    script = "\n".join(
        [
            f"mount -t tmpfs -o size=1m none {disk} || exit 77",
            f"cp -r {stock}/. {disk}",
            f"{listing} > before",
            f"{sys.executable} -m real_trade.cli.main import-data {bars} --data-dir {disk} --json > out.json",
            "code=$?",
            f"{listing} > after",
            "exit $code",
        ]
    )
    ran = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 77 or "unshare" in ran.stderr:
        pytest.skip("this machine does not let a process mount a disk of its own")
    assert ran.returncode == 3, ran.stderr
    error = json.loads((tmp_path / "out.json").read_text())["error"]
    assert "space" in f"{error['message']} {error['fix']}".lower()
    assert len(ran.stderr.splitlines()) == 1
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text() != ""


def test_secrets_never_come_out(cli: Cli, stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verb, right and wrong words, text and JSON: the key and the password of the proxy are not in the output."""
    monkeypatch.setenv("RT_APIKEY", "key-abcdefgh")
    monkeypatch.setenv("RT_SECRET", "word-abcdefgh")
    monkeypatch.setenv("RT_PROXY", "http://me:pass-word@127.0.0.1:9")
    monkeypatch.setenv("RT_BYBIT_REST_URL", "https://127.0.0.1:1")
    tries = [
        [verb, *words, *more]
        for verb in TESTED
        for words in ([], ["--symbol", "key-abcdefgh"], ["--zzz"], ["--strategy", "sma_cross"], ["--schema"])
        for more in ([], ["--json"], ["--debug"])
    ]
    for words in [*tries, ["download-data", "--debug"]]:
        ran = cli(*words)
        seen = (ran.out + ran.err).replace("--symbol key-abcdefgh", "")
        assert "abcdefgh" not in seen.replace("KEY-ABCDEFGH", "")
        assert "pass-word" not in seen
