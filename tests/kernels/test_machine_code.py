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


CALLERS = """\
import sys, time
import numpy as np
from caller import ask
name = sys.argv[1]
kinds = {"int": 10, "float": 10.0, "single": np.float32(10), "small": np.int8(10), "complex": 10 + 0j}
if name == "all":
    print(*(int(np.real(ask(kind))) for kind in kinds.values()), sum(ask.stats.cache_hits.values()))
else:
    while time.time() < float(sys.argv[2]):
        pass
    ask(kinds[name])
"""


def test_processes_that_compile_at_once_do_not_take_each_other_s_code(tmp_path: Path) -> None:
    """Each finds its own code again: none was lost, and none was kept under another's name."""
    import time

    (tmp_path / "caller.py").write_text(CALLER, encoding="utf-8")
    (tmp_path / "helper.py").write_text(HELPER.format(factor=2), encoding="utf-8")
    (tmp_path / "callers.py").write_text(CALLERS, encoding="utf-8")
    start = str(time.time() + 4.0)
    names = ("int", "float", "single", "small", "complex")
    running = [subprocess.Popen([sys.executable, "callers.py", name, start], cwd=tmp_path) for name in names]
    assert [process.wait(120) for process in running] == [0] * 5
    found = subprocess.run(
        [sys.executable, "callers.py", "all"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["21", "21", "21", "21", "21", "5"]
