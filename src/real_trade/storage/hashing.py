"""The dataset hash: the same bars give the same hash, from whatever source and on whatever machine."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from real_trade.model.series import Klines

_PREFIX: Final = b"real_trade klines 1\n"
_PRICES: Final = ("open", "high", "low", "close", "volume")
_CHUNK_ROWS: Final = 65_536


def dataset_hash(klines: Klines) -> str:
    """Return the sha256, in hex, over the canonical columns of a series.

    The hashed bytes are, one after the other:

    1. the ASCII line ``real_trade klines 1`` with a line feed (the version of this definition),
    2. the number of rows, unsigned 64-bit little-endian,
    3. ``timestamp``: signed 64-bit little-endian, row by row,
    4. ``open``, ``high``, ``low``, ``close``, ``volume``: each a whole column of IEEE 754 doubles, little-endian,
       where -0.0 counts as +0.0 and every NaN as the quiet NaN with the bytes ``00 00 00 00 00 00 f8 7f``,
    5. ``synthetic``: one byte per row, 1 for a bar that was filled in, else 0.

    ``turnover`` is left out, since many sources do not give it. Rows count in the order given; a stored series ascends.
    """
    digest = sha256(_PREFIX)
    digest.update(len(klines).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(klines.timestamp, dtype="<i8").data)
    for name in _PRICES:
        column = getattr(klines, name)
        for start in range(0, len(column), _CHUNK_ROWS):
            # Adding +0.0 turns -0.0 into +0.0 and leaves every other number as it is.
            chunk = np.add(column[start : start + _CHUNK_ROWS], 0.0, dtype="<f8")
            chunk[np.isnan(chunk)] = np.nan
            digest.update(chunk.data)
    digest.update(np.ascontiguousarray(klines.synthetic, dtype="?").data)
    return digest.hexdigest()
