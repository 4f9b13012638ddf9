"""One writer per folder, across threads and processes; readers take no lock."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from real_trade.model.errors import StorageError
from real_trade.storage.files import make_folder, writing

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

LOCK_NAME = ".lock"
_STEP_S = 0.02
_TOKEN_BYTES = 64


class WriterLock:
    """Exclusive right to write in a folder, given up by the end of the block or the death of the process.

    The lock file keeps the token of its last holder, padded to a fixed size: a waiter can name who is writing, and a
    holder learns whether anybody else wrote since.

    Args:
        folder: created if absent.
        token: names the holder; starts with its process number.
        wait_s: longest wait in seconds.
    """

    def __init__(self, folder: Path, token: str, wait_s: float) -> None:
        self._folder = folder
        self._token = token.encode().ljust(_TOKEN_BYTES)
        self._wait_s = wait_s
        self._handle = -1
        self.undisturbed = False
        """Nobody else held the lock since the same token did."""

    def __enter__(self) -> Self:
        path = self._folder / LOCK_NAME
        with writing(path):
            try:
                self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:
                make_folder(self._folder)
                self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._wait()
            self.undisturbed = os.pread(self._handle, _TOKEN_BYTES, 0) == self._token
            if not self.undisturbed:
                with writing(path):
                    os.pwrite(self._handle, self._token, 0)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _wait(self) -> None:
        waited_s = 0.0
        while True:
            # A refusal is the normal answer while another one writes.
            with suppress(BlockingIOError):
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if waited_s >= self._wait_s:
                raise self._busy()
            time.sleep(_STEP_S)
            waited_s += _STEP_S

    def _busy(self) -> StorageError:
        holder = os.pread(self._handle, _TOKEN_BYTES, 0).decode(errors="replace").split("-")[0] or "unknown"
        return StorageError(
            f"{self._folder} is being written by process {holder}; waited {self._wait_s:g} s.",
            code="locked",
            field="data_dir",
            value=str(self._folder),
            fix="Let that process finish, or end it, and try again.",
        )

    def _release(self) -> None:
        # Unlocking by name frees the lock even where a forked child still has the file open.
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        os.close(self._handle)
        self._handle = -1
