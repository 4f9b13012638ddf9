"""New files that a verb writes: whole, and never over an existing one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from real_trade.model.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def write_new(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file that does not exist yet; a write that fails leaves none behind.

    Args:
        path: where; its folder must exist.
        text: contents.
        mode: permissions, as for ``chmod``.

    Raises:
        InputError: there is one already, or no such folder.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise InputError(
            f"{path} is there already.",
            code="file_exists",
            field="file",
            value=str(path),
            fix="Choose another name, or remove it first; nothing is ever overwritten.",
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{path.parent} is not a folder.", code="no_folder", field="file", value=str(path), fix="Make it first."
        ) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise
