"""Three more clients of Binance, each in an environment of its own: their packages overwrite each other's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from real_trade.testing.exchange_process import running_exchange

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / ".venv-conformance"
# Script -> what it needs, and how many checks it makes.
CLIENTS = {
    "binance_connector": ("binance-connector==3.13.0", 51),
    "futures_connector": ("binance-futures-connector==4.2.0", 100),
    "python_binance": ("python-binance==1.0.37", 48),
}


def python_of(name: str, package: str) -> Path:
    """Return the interpreter of a client's environment, made on first use."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), package], check=True)
        (folder / ".ready").touch()
    return python


@pytest.mark.conformance
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_takes_it_for_the_venue(name: str) -> None:
    package, count = CLIENTS[name]
    python = python_of(name, package)
    with running_exchange(
        "binance", seed=7, rate_limits="off", account="key:secret:USDT=100000,BTC=10"
    ) as exchange:  # fmt: skip
        command = [str(python), str(HERE / "clients" / f"{name}.py"), json.dumps(exchange.info)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    made = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert [each for each in made if each["error"]] == []
    assert (run.returncode, len(made)) == (0, count), run.stderr[-2_000:]
