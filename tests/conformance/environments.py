"""Clients that live in environments of their own: how one is made, and how a script of checks runs in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / ".venv-conformance"


def python_of(name: str, *packages: str, python: str = sys.executable) -> Path:
    """Return the interpreter of a client's environment, made on first use."""
    folder = ENVIRONMENTS / name
    inside = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", python, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(inside), *packages], check=True)
        (folder / ".ready").touch()
    return inside


def python_between(least: tuple[int, int], most: tuple[int, int]) -> str | None:
    """Return an interpreter whose version is in a range, the newest first; None where this machine has none."""
    for minor in range(most[1], least[1] - 1, -1):
        if sys.version_info[:2] == (3, minor):
            return sys.executable
        found = shutil.which(f"python3.{minor}")
        if found is None:
            continue
        # What stands on the path may be a pyenv shim, which answers only for a version that is asked for.
        environment = {**os.environ, "PYENV_VERSION": f"3.{minor}"}
        ask = [found, "-c", "import sys; print(sys.executable)"]
        told = subprocess.run(ask, env=environment, capture_output=True, text=True, check=False)
        if told.returncode == 0:
            return told.stdout.strip()
    return None


def topics_of(python: Path, script: str, given: object, count: int) -> set[str]:
    """Run a script of ``clients`` in its environment; return the topics of its checks, all of which came off.

    Args:
        python: the interpreter.
        script: name of the script.
        given: what it is told, as JSON.
        count: how many checks it is to make.
    """
    command = [str(python), str(HERE / "clients" / f"{script}.py"), json.dumps(given)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    made = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert [each for each in made if each["error"]] == []
    assert (run.returncode, len(made)) == (0, count), run.stderr[-2_000:]
    return {each["topic"] for each in made}
