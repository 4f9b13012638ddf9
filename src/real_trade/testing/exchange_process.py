"""A history server as a process of its own, for as long as a block of code runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_S = 60.0
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class RunningExchange:
    """A server that answers.

    Attributes:
        info: its first line: venue, pid, rest, market_time_ms, seed and more.
        process: the process.
        log_file: where it notes requests.
    """

    info: dict[str, Any]
    process: subprocess.Popen[str]
    log_file: Path

    @property
    def rest(self) -> str:
        """Return the base URL."""
        return str(self.info["rest"])

    @property
    def log(self) -> list[dict[str, Any]]:
        """Return the requests noted so far, oldest first."""
        lines = self.log_file.read_text().splitlines() if self.log_file.exists() else []
        return [json.loads(line) for line in lines]


@contextmanager
def running_exchange(venue: str = "bybit", **flags: object) -> Iterator[RunningExchange]:
    """Start a history server and stop it at the end of the block.

    Args:
        venue: ``bybit`` or ``binance``.
        **flags: the server's flags with underscores for dashes (``seed=7``, ``rate_limits="off"``,
            ``from_="2024-01-01"``); a list repeats the flag (``fault=["slow=0.1:2"]``), True
            gives it without a value, None leaves it out.

    Yields:
        the running server.

    Raises:
        RuntimeError: it did not start; the message carries what it wrote to stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        log_file = Path(str(flags.pop("log", None) or Path(folder) / "requests.jsonl"))
        command = [sys.executable, "-m", "real_trade.exchange", "--venue", venue, "--log", str(log_file)]
        if {"from_", "to", "start"} & flags.keys():
            # Who reads history of then is to take it for now.
            flags.setdefault("server_time", "market")
        for name, value in flags.items():
            if value is None:
                continue
            for each in value if isinstance(value, list | tuple) else [value]:
                command.append(f"--{name.rstrip('_').replace('_', '-')}")
                command += [] if each is True else [str(each)]
        errors = Path(folder) / "stderr.txt"
        with errors.open("w+") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=dict(os.environ)
            )
        try:
            yield RunningExchange(_first_line(process, errors), process, log_file)
        finally:
            _stop(process)


def _first_line(process: subprocess.Popen[str], errors: Path) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(_START_S)
        raise RuntimeError(f"the exchange did not start (exit {process.returncode}): {errors.read_text().strip()}")
    found: dict[str, Any] = json.loads(line)
    return found


def _stop(process: subprocess.Popen[str]) -> None:
    """End the process: politely, then by force."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
