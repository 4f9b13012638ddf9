"""Maintenance-margin tiers: the larger a position, the more margin it must keep and the less leverage it may have."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.model.errors import InputError
from real_trade.model.instrument import money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# Rates are integers of this many in tables for kernels.
_RATE_SCALE: Final = 1_000_000_000
_HIGHEST_RATE: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class MarginTier:
    """One tier.

    Attributes:
        cap: largest value of a position in it, settlement currency.
        rate: maintenance margin, fraction of the position's value.
        deduction: amount by which the requirement is less than that fraction, settlement currency.
        max_leverage: largest leverage offered.
    """

    cap: Decimal
    rate: Decimal
    deduction: Decimal
    max_leverage: Decimal


@dataclass(frozen=True, slots=True)
class MarginTiers:
    """The tiers of one instrument, from the smallest positions to the largest.

    Attributes:
        tiers: at least one; caps rise, rates rise, leverage does not.
        as_of: when this was so, as the source says; venues change their tiers.
        source: where it was written.
    """

    tiers: tuple[MarginTier, ...]
    as_of: str
    source: str

    @classmethod
    def of(cls, rows: Iterable[tuple[Decimal, Decimal, Decimal]], *, as_of: str, source: str) -> MarginTiers:
        """Build from caps, rates and largest leverages; the deductions follow from them.

        deduction = cap of the tier before * (rate - rate before) + deduction before, which makes the requirement
        continuous (Bybit, "Margin parameters"; Binance, "How to calculate liquidation price of COIN-M futures
        contracts").

        Raises:
            InputError: no tier, or one that does not follow the one before.
        """
        tiers: list[MarginTier] = []
        for cap, rate, leverage in rows:
            before = tiers[-1] if tiers else MarginTier(Decimal(0), Decimal(0), Decimal(0), leverage)
            if not (
                cap.is_finite()
                and cap > before.cap
                and before.rate < rate <= _HIGHEST_RATE
                and rate * _RATE_SCALE % 1 == 0
                and before.max_leverage >= leverage >= 1
            ):
                raise InputError(
                    f"Margin tier {len(tiers) + 1} does not follow the one before it.",
                    code="bad_tiers",
                    field="tiers",
                    value=f"[{cap}, {rate}, {leverage}]",
                    fix="Give [cap, rate, leverage]: caps and rates rise, rates to 0.5 by 1e-9, leverage falls.",
                )
            deduction = before.cap * (rate - before.rate) + before.deduction if tiers else Decimal(0)
            tiers.append(MarginTier(cap, rate, deduction, leverage))
        if not tiers:
            raise InputError(
                "There are no margin tiers.", code="bad_tiers", field="tiers", value="[]", fix="Give at least one."
            )
        return cls(tuple(tiers), as_of, source)

    def at(self, value: Decimal) -> MarginTier:
        """Return the tier of a position's value; the last one where it exceeds all caps."""
        return next((tier for tier in self.tiers if abs(value) <= tier.cap), self.tiers[-1])

    def maintenance(self, value: Decimal) -> Decimal:
        """Return the margin that a position of this value must keep, exactly."""
        tier = self.at(value)
        return max(Decimal(0), abs(value) * tier.rate - tier.deduction)

    @property
    def largest_value(self) -> Decimal:
        """Return the largest value of a position that the venue takes."""
        return self.tiers[-1].cap

    def table(self) -> NDArray[np.int64]:
        """Return what `real_trade.kernels.margin` works with: rows of cap and deduction in money units, rate in 1e-9.

        Columns: cap, rate, deduction.
        """
        # A last tier without an end has a cap beyond every amount.
        rows = [[min(money(t.cap), 2**62), int(t.rate * _RATE_SCALE), money(t.deduction)] for t in self.tiers]
        return np.array(rows, dtype=np.int64)
