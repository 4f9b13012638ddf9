"""What every test may ask for."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Machine code made by the tests is theirs alone, shared by all who run them, and goes when they end.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _CACHE = tempfile.TemporaryDirectory(prefix="real-trade-tests-")
    os.environ["RT_CACHE_DIR"] = _CACHE.name

# A shell that runs us in the background has SIGINT ignored, and processes that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every run, so that a red build can be repeated; HYPOTHESIS_PROFILE=random looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def _folder(variable: str) -> Path | None:
    text = os.environ.get(variable, "")
    path = Path(text).resolve() if text else None
    return path if path is not None and path.is_dir() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real market data, named by REAL_DATA."""
    path = _folder("REAL_DATA")
    if path is None:
        pytest.skip("shared: REAL_DATA names no folder")
    return path


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Folder with recorded venue payloads, named by FIXTURES."""
    path = _folder("FIXTURES")
    if path is None:
        pytest.skip("shared: FIXTURES names no folder")
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped because the shared folders are absent."""
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "shared:" in str(r.longrepr)]
    terminalreporter.write_line(f"tests skipped for want of shared data: {len(skipped)}")
