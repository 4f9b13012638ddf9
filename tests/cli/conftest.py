"""The command line run in this process, a local exchange, and a store with a few days in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.cli.main import main
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout, which must be one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """Return the JSON error; stderr must have it in one line too."""
        error: dict[str, Any] = self.json["error"]
        assert set(error) == {"code", "field", "value", "message", "fix"}
        said = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(said) == 1
        words = " ".join(str(error["message"]).split())
        assert "".join(letter if letter.isprintable() else "?" for letter in words) in said[0]
        assert "Traceback" not in self.err
        return error


Cli = Callable[..., Ran]


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of compiled strategies for all tests."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _compiled: Path) -> None:
    """No setting of the machine reaches a test, and nothing is written outside its folder."""
    for name in list(os.environ):
        if name.startswith("RT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RT_CACHE_DIR", str(_compiled))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run ``real-trade`` with these words."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        seen = capsys.readouterr()
        return Ran(code, seen.out, seen.err)

    return run


@pytest.fixture(scope="session")
def exchange() -> Iterator[RunningExchange]:
    """A Bybit of ten days from a seed, on this machine."""
    with running_exchange("bybit", seed=7, from_="2024-01-01", to="2024-01-11", rate_limits="off") as running:
        yield running


@pytest.fixture(scope="session")
def _stock(exchange: RunningExchange, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stock") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RT_BYBIT_REST_URL", exchange.rest)
        words = ["download-data", "--data-dir", str(folder), "--from", "2024-01-01", "--to", "2024-01-08"]
        assert main(words) == 0
    return folder


@pytest.fixture
def stock(_stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of one's own with seven days of bybit/linear/BTCUSDT 1m, found without a flag."""
    folder = tmp_path / "data"
    shutil.copytree(_stock, folder)
    monkeypatch.setenv("RT_DATA_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def _two_symbols(exchange: RunningExchange, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RT_BYBIT_REST_URL", exchange.rest)
        words = ["download-data", "--data-dir", str(folder), "--from", "2024-01-01", "--to", "2024-01-08"]
        assert main([*words, "--symbol", "BTCUSDT,ETHUSDT", "--kind", "kline,funding"]) == 0
        assert main([*words, "--interval", "15m"]) == 0
    return folder


@pytest.fixture
def two_symbols(_two_symbols: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of seven days of bybit/linear BTCUSDT and ETHUSDT 1m with funding, and BTCUSDT 15m."""
    folder = tmp_path / "two"
    shutil.copytree(_two_symbols, folder)
    monkeypatch.setenv("RT_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def served(exchange: RunningExchange, monkeypatch: pytest.MonkeyPatch) -> RunningExchange:
    """The exchange, configured as Bybit's address."""
    monkeypatch.setenv("RT_BYBIT_REST_URL", exchange.rest)
    return exchange


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its contents, locks aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }
