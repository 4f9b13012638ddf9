"""Whole numbers become the same text that Decimal would write."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from real_trade.exchange.digits import Number, render_rows
from real_trade.exchange.words import plain, whole_number

whole_numbers = st.integers(-(2**62), 2**62) | st.integers(-1000, 1000) | st.sampled_from([0, 10, 100, 1_000_000])


@given(st.lists(whole_numbers, min_size=1, max_size=30), st.integers(0, 12), st.booleans())
def test_numbers_are_spelled_exactly(values: list[int], decimals: int, trim: bool) -> None:
    column = np.array(values, dtype=np.int64)
    block = render_rows([b"<", Number(column, decimals, trim), b">,"], len(values))
    words = block.text.decode().rstrip(",").split(",")
    exact = [Decimal(v).scaleb(-decimals) for v in values]
    expected = [plain(x) if trim else f"{x:.{decimals}f}" for x in exact]
    assert words == [f"<{text}>" for text in expected]
    # The row ends cut the text into the same rows.
    cut = [block.text[a:b].decode() for a, b in zip(block.ends, block.ends[1:], strict=False)]
    assert cut == [f"<{text}>," for text in expected]


@given(st.text(max_size=25))
def test_only_whole_numbers_are_read(text: str) -> None:
    value = whole_number(text)
    if value is not None:
        assert int(text) == value
        assert abs(value) < 2**63
