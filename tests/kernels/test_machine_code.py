"""Machine code on disk: used again while nothing has changed, made anew when what it calls has."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CALLER = """\
from real_trade.kernels.jit import compiled
from helper import answer

@compiled
def ask(number):
    return answer(number) + 1
"""
HELPER = """\
from real_trade.kernels.jit import compiled

@compiled
def answer(number):
    return number * {factor}
"""
PROGRAM = """\
from caller import ask
print(ask(10), sum(ask.stats.cache_hits.values()), sum(ask.stats.cache_misses.values()))
"""


def run(folder: Path) -> str:
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


def test_a_change_in_a_called_function_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER, encoding="utf-8")
    (tmp_path / "helper.py").write_text(HELPER.format(factor=2), encoding="utf-8")
    assert run(tmp_path) == "21 0 1"
    assert run(tmp_path) == "21 1 0"
    (tmp_path / "helper.py").write_text(HELPER.format(factor=30), encoding="utf-8")
    assert run(tmp_path) == "301 0 1"
