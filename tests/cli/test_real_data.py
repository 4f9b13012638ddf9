"""The main job over the real minutes: import, verify, backtest; the second run within its time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli

FILE = "klines/binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet"
SERIES = ("--venue", "binance", "--market", "spot", "--symbol", "BTCUSDT", "--interval", "1m")
# Runs the program and writes the peak of its memory, in KiB, as the last line of stderr. The kernel's counter of the
# process would begin with that of the tests, which started it; that of its memory does not.
MEASURED = (
    "import sys; from real_trade.cli.main import main; code = main(sys.argv[1:]);"
    "lines = open('/proc/self/status').read().splitlines();"
    "print(*(line.split()[1] for line in lines if line.startswith('VmHWM')), file=sys.stderr); sys.exit(code)"
)


@pytest.mark.shared
def test_the_real_minutes_from_import_to_result(cli: Cli, real_data: Path) -> None:
    ran = cli("import-data", real_data / FILE, *SERIES, "--json")
    assert (ran.code, ran.json["inserted"], ran.json["missing"]) == (0, 1_402_480, 80)
    verified = cli("verify-data", *SERIES, "--json")
    assert verified.code == 1
    errors = [finding for finding in verified.json["findings"] if finding["severity"] == "error"]
    assert [(e["code"], e["from"], e["to"], e["count"]) for e in errors] == [
        ("gap", "2023-03-24T12:40:00Z", "2023-03-24T14:00:00Z", 80)
    ]
    # The run itself; the checks of trust come on top, and are measured where they are.
    words = [sys.executable, "-c", MEASURED, "backtest", "--no-trust", "--strategy", "sma_cross", *SERIES, "--json"]
    took = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=dict(os.environ))
        took.append(time.perf_counter() - began)
    document = json.loads(done.stdout)
    assert (document["data"]["bars"], document["data"]["gaps"]) == (1_402_480, 1)
    assert document["stats"]["trades"] > 8_000
    # The first run compiles; the machine may be busy with other things in one of the others.
    assert min(took[1:]) < 2.5
    assert int(done.stderr.splitlines()[-1]) < 500 * 1024
