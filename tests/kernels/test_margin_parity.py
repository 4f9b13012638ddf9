"""Compiled and plain Python give the same integers, in every function of costs and margin."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np

from real_trade.kernels import arithmetic, funding, inverse, margin, slippage

CASES = 400
TIERS = np.array([[10**14, 4_000_000, 0], [10**16, 10_000_000, 6 * 10**11], [10**17, 500_000_000, 5 * 10**15]])


def digest() -> str:
    """Run every function over seeded cases, from small to the bounds, and hash what they give."""
    draw = random.Random(20_240_229)
    found = hashlib.sha256()

    def size(bits: int) -> int:
        return draw.randrange(1, 2 ** draw.randrange(1, bits + 1) + 1)

    def put(*values: object) -> None:
        found.update(repr([float(v) if isinstance(v, float) else int(v) for v in values]).encode())  # type: ignore[call-overload]

    for _ in range(CASES):
        side = draw.choice([1, -1])
        lots, price, other, rate = side * size(30), size(30), size(30), draw.choice([1, -1]) * size(29)
        first, second, divisor = size(62), size(62), 2**61 + size(61)
        put(*arithmetic.divide_product(first, second, divisor), arithmetic.multiply_divide(-first, second, divisor))
        put(inverse.inverse_value(lots, price, size(32), size(30)), inverse.worth_of(lots, price, 3, 7, side > 0))
        put(inverse.inverse_profit(lots, price, other, size(31), 1))
        put(inverse.harmonic_entry(float(price), size(20), other, size(20)))
        put(*inverse.take_fill(inverse.Basis(-lots, size(60), 0), side * size(31), size(60)))
        put(funding.linear_funding(lots, price, rate, 3, 7), funding.inverse_funding(lots, price, rate, 10**8, 3))
        put(arithmetic.share_of(side * size(62), rate))
        entry, backing = size(58), size(58)
        put(margin.initial_margin(side * entry, 7), margin.maintenance_margin(entry, TIERS))
        put(margin.liquidation_value(side, entry, backing, TIERS), margin.breach_value(side, entry, backing, 5, 9))
        put(margin.liquidation_ticks(lots, -side * entry // 2, 2**20, 3, side > 0, TIERS))
        put(margin.inverse_ticks(entry, lots, 2**31, 3), margin.linear_ticks(entry, lots, 2**31, 3))
        for model in slippage.SLIPPAGE_MODELS.values():
            far = slippage.slippage_ticks(model.number, price, size(62), size(62), other, size(33))
            put(far, slippage.slipped_price(side, price, far, price + other, max(1, price - other), True))
    return found.hexdigest()


def test_compiled_and_plain_agree() -> None:
    folder = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {folder!r}); import test_margin_parity as t; print(t.digest())"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    plain = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert plain.stdout.strip() == digest()
