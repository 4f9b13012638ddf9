"""Where data lies if nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

DATA_DIR_VARIABLE: Final = "RT_DATA_DIR"
RECORDS_NAME: Final = "records.sqlite"


def default_data_dir() -> Path:
    """Return the folder that RT_DATA_DIR names, else ``real_trade`` in the user's data folder (XDG)."""
    named = os.environ.get(DATA_DIR_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    home = os.environ.get("XDG_DATA_HOME", "").strip()
    return (Path(home) if home else Path.home() / ".local" / "share") / "real_trade"
