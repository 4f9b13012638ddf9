"""Exact arithmetic on 64-bit integers: quotients rounded once, and products of up to 124 bits."""

from __future__ import annotations

from typing import Final

from real_trade.kernels.jit import compiled

# Largest factor, product of lots and numerator, or divisor for which the arithmetic here is exact in 64 bits.
WIDE_LIMIT: Final = 2**62
# Rates of fees, funding and margin are integers of 1e-9.
RATE_SCALE: Final = 1_000_000_000


@compiled
def divide_half_even(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to the nearest integer, ties to the even one; the denominator is positive."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    if twice > denominator or (twice == denominator and quotient % 2 != 0):
        quotient += 1
    return quotient


@compiled
def divide_product(first: int, second: int, divisor: int) -> tuple[int, int]:
    """Return quotient (rounded down) and rest of ``first * second / divisor``; the product may have 124 bits.

    Long division, bit by bit, where the product does not fit 64 bits.

    Args:
        first, second: 0 to 2**62.
        divisor: 1 to 2**62. The quotient must fit 63 bits.
    """
    whole = first // divisor
    part = first - whole * divisor
    if part == 0:
        return whole * second, 0
    if second <= WIDE_LIMIT // part:
        product = part * second
        quotient = product // divisor
        return whole * second + quotient, product - quotient * divisor
    quotient = 0
    rest = 0
    for shift in range(62, -1, -1):
        # Both summands stay below the divisor, so that their sum stays below 2**63.
        quotient = 2 * quotient
        rest = 2 * rest
        if rest >= divisor:
            rest -= divisor
            quotient += 1
        if (second >> shift) & 1:
            rest += part
            if rest >= divisor:
                rest -= divisor
                quotient += 1
    return whole * second + quotient, rest


@compiled
def multiply_divide(first: int, second: int, divisor: int) -> int:
    """Return ``first * second / divisor`` rounded once, ties to the even one; the factors may be negative.

    Bounds as in `divide_product`.
    """
    quotient, rest = divide_product(abs(first), abs(second), divisor)
    other = divisor - rest
    if rest > other or (rest == other and quotient % 2 != 0):
        quotient += 1
    return -quotient if (first < 0) != (second < 0) else quotient


@compiled
def share_of(value: int, rate: int) -> int:
    """Return a value times a rate in 1e-9, money units, rounded once, half-even; both may be negative.

    The value is at most 2**62, and so is the result.
    """
    return multiply_divide(value, rate, RATE_SCALE)
