"""Whole numbers packed for the page: few bytes in the file, quickly unpacked in the browser, nothing lost.

An array becomes planes, one per byte of its largest number: the low bytes of all numbers, then the next bytes, and so
on. The high planes are nearly empty and deflate to little; the low plane of prices is noise and costs what it must.
Signed numbers are folded first (0, -1, 1, -2 become 0, 1, 2, 3), so that small ones of either sign stay small.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Packed = dict[str, Any]


def pack(values: NDArray[np.int64], *, signed: bool = False, running: bool = False) -> Packed:
    """Return an array as JSON-ready planes.

    Args:
        values: whole numbers below 2**52 in size; not negative unless ``signed`` or ``running``.
        signed: fold the sign into the lowest bit.
        running: store the first number and the differences to the number before.

    Returns:
        ``n`` numbers, ``first`` (0 unless running), ``signed``, ``running`` and ``planes``, lowest byte first, each
        deflated (zlib) and in base64.
    """
    first = int(values[0]) if running and len(values) else 0
    if running:
        values = np.diff(values, prepend=first)
    if signed or running:
        values = (values << 1) ^ (values >> 63)
    largest = int(values.max()) if len(values) else 0
    width = max(1, (largest.bit_length() + 7) // 8)
    word = np.ascontiguousarray(values, dtype="<u4" if width <= 4 else "<u8")
    octets = word.view(np.uint8).reshape(len(word), word.itemsize)
    planes = [_deflated(octets[:, place]) for place in range(width)]
    return {"n": len(values), "first": first, "signed": signed or running, "running": running, "planes": planes}


def packed_size(packed: Packed) -> int:
    """Return the characters that the planes take in the page."""
    return sum(len(plane) for plane in packed["planes"])


def _deflated(plane: NDArray[np.uint8]) -> str:
    # Runs and frequencies are all there is to find in such a plane; searching for repeats costs time and finds none.
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    octets = packer.compress(np.ascontiguousarray(plane).data) + packer.flush()
    return b64encode(octets).decode("ascii")
