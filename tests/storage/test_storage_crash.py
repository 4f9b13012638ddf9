"""Two processes read while a writer is killed a hundred times: nobody ever sees a torn month."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

ACTORS = Path(__file__).with_name("crash_actors.py")
START_MS = 1_704_067_200_000
STEP_MS = 300_000


def test_readers_never_see_a_torn_month(
    tmp_path: Path, start_python: Callable[..., subprocess.Popen[str]], run_python: Callable[..., str]
) -> None:
    folder = tmp_path / "data"
    readers = [start_python(ACTORS, "reader", folder) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    written = json.loads(run_python(ACTORS, "writer", folder, "100", "20240801"))
    for reader in readers:
        output, errors = reader.communicate("stop\n", timeout=60)
        assert reader.returncode == 0, errors
        seen = json.loads(output)
        # The test would show nothing if the readers had seen but a few states.
        assert seen["reads"] > 50
        assert seen["sizes"] > 30
        assert seen["generations"] > 30
    assert written["rows"] > 20_000
    assert written["leftovers"] == []
    # Pages were noted as fetched exactly as far as their rows are there.
    assert all(to_ms <= START_MS + STEP_MS * written["rows"] for _, to_ms in written["covered"])
