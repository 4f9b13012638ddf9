"""Three more clients of Binance, each in an environment of its own: their packages overwrite each other's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from topics import CLIENTS, REST, SOCKETS

from real_trade.testing.exchange_process import running_exchange

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / ".venv-conformance"
ACCOUNT = "key:secret:USDT=100000,BTC=10"
# Name of the environment -> what it needs, and its scripts with how many checks each makes.
SCRIPTS = {
    "binance_connector": ("binance-connector==3.13.0", {"binance_connector": 133}),
    "futures_connector": ("binance-futures-connector==4.2.0", {"futures_connector": 223}),
    "python_binance": ("python-binance==1.0.37", {"python_binance": 129, "python_binance_sockets": 63}),
}
# The exchanges that a script is given: one at the clock's pace, one in which a minute takes a second, one that takes
# 30 units of weight in ten minutes.
EXCHANGES = {
    "market": {"rate_limits": "off"},
    "fast": {"rate_limits": "off", "speed": 60},
    "narrow": {"rate_limits": "30/600", "ban_seconds": 30},
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
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_client_takes_it_for_the_venue(name: str) -> None:
    package, scripts = SCRIPTS[name]
    python = python_of(name, package)
    topics: set[str] = set()
    for script, count in scripts.items():
        with ExitStack() as stack:
            infos = {
                which: stack.enter_context(running_exchange("binance", seed=7, account=ACCOUNT, **flags)).info
                for which, flags in EXCHANGES.items()
            }
            command = [str(python), str(HERE / "clients" / f"{script}.py"), json.dumps(infos)]
            environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        made = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        assert [each for each in made if each["error"]] == []
        assert (run.returncode, len(made)) == (0, count), run.stderr[-2_000:]
        topics |= {each["topic"] for each in made}
    absent = CLIENTS[f"binance {package.partition('==')[0]}"]
    assert topics == {*REST, *SOCKETS} - set(absent)
