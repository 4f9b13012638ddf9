"""One setting of the C library that a run of many megabytes needs."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

# Numbers of glibc's mallopt, and what they are set to: blocks up to 32 MB (the most it takes) come from the heap, and
# up to 256 MB of freed heap stay with the process.
_TRIM_THRESHOLD: Final = (-1, 256 * 2**20)
_MMAP_THRESHOLD: Final = (-3, 32 * 2**20)


@cache
def keep_freed_memory() -> bool:
    """Ask the C library to keep what a run frees for the next one; tell whether it could be asked.

    By default glibc gives large blocks back to the system after each run or not, depending on the order in which they
    were freed; getting them again costs a page fault for every four kilobytes: 4 of 20 ms for a million bars, measured.
    Other C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*setting) == 1 for setting in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
