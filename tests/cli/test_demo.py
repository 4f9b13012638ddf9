"""The demo runs from end to end, as `make demo` runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


def test_the_demo_downloads_verifies_backtests_and_reports(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(DEMO), str(tmp_path / "out")], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stdout[-1_500:] + run.stderr[-1_500:]
    pages = sorted(path.parent.name for path in (tmp_path / "out").glob("*/report.html"))
    assert pages == ["mean_reversion", "sma_cross"]
