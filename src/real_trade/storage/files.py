"""Files that are either as they were or as they should be: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Self

from real_trade.model.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

# No room on the disk, in the user's quota, or under the process's file size limit.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_TEMPORARY = ".tmp"


def write_error(error: OSError, path: Path) -> StorageError:
    """Return the error of the house for a write that the operating system refused."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _FULL:
        return StorageError(
            f"No room left to write {path}: {reason}.",
            code="disk_full",
            field="data_dir",
            value=str(path),
            fix="Free some space or choose another data directory; what was stored is unchanged.",
        )
    if error.errno in _FORBIDDEN:
        return StorageError(
            f"{path} may not be written: {reason}.",
            code="not_writable",
            field="data_dir",
            value=str(path),
            fix="Choose a data directory that you may write to.",
        )
    return StorageError(
        f"{path} could not be written: {reason}.",
        field="data_dir",
        value=str(path),
        fix="Check the disk and the data directory; what was stored is unchanged.",
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals inside the block into `StorageError`."""
    try:
        yield
    except OSError as error:
        raise write_error(error, path) from error


def sync_folder(folder: Path) -> None:
    """Make renames and new names inside ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its parents durably; nothing happens where it exists."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of writers that died; only the holder of the folder's lock may call this."""
    for leftover in folder.glob(f".*{_TEMPORARY}"):
        leftover.unlink()


class Staging:
    """Several files of one folder that are written aside first and then put in place together.

    Until `commit` nothing is visible; leaving the block without it removes every temporary file. `commit` goes in
    ascending order of names, so that a reader who opens files in descending order never sees a later file without
    the earlier ones. `stage` and `remove` may be called from several threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staged: dict[str, Path] = {}
        self._removed: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for temporary in self._staged.values():
            # The disk may be the very thing that fails; the next writer removes what stays.
            with suppress(OSError):
                temporary.unlink()

    def stage(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        """Write one file aside, through to the disk.

        Args:
            name: final name inside the folder.
            fill: receives the open file and writes the content.

        Raises:
            StorageError: it could not be written.
        """
        temporary = self._folder / f".{name}.{os.getpid()}{_TEMPORARY}"
        self._staged[name] = temporary
        with writing(self._folder / name), temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())

    def remove(self, name: str) -> None:
        """Have `commit` take a file away."""
        self._removed.add(name)

    def commit(self) -> None:
        """Put the staged files in place, take away those that are to go, and make that durable.

        Raises:
            StorageError: the operating system refused one of them.
        """
        for name in sorted(self._staged.keys() | self._removed):
            with writing(self._folder / name):
                if name in self._staged:
                    self._staged[name].replace(self._folder / name)
                    del self._staged[name]
                else:
                    (self._folder / name).unlink(missing_ok=True)
        with writing(self._folder):
            sync_folder(self._folder)


def replace_file(path: Path, content: bytes) -> None:
    """Write a whole file atomically and durably; its folder must exist.

    Raises:
        StorageError: it could not be written.
    """
    with Staging(path.parent) as staging:
        staging.stage(path.name, lambda file: file.write(content))
        staging.commit()
