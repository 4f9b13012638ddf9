"""The account of a backtest: money as the caller says it, integers as the kernels need them, proved not to overflow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from real_trade.kernels.accounting import RATE_SCALE, Terms
from real_trade.kernels.slippage import slippage_terms
from real_trade.model.errors import InputError
from real_trade.model.instrument import MONEY_UNIT, Market, money

if TYPE_CHECKING:
    from real_trade.model.bars import Bars
    from real_trade.model.instrument import Instrument

# Words of the settings, in the order of their numbers in the kernels.
QUEUES = ("touch", "through")
POLICIES = ("pessimistic", "optimistic", "path")

# Largest value of a position, in money units: sums of a few of them stay below 2**63.
_VALUE_LIMIT = 2**60
# Orders may name prices up to this many times the highest price of the data.
_PRICE_HEADROOM = 4


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What a backtest starts from.

    Attributes:
        cash: starting balance, settlement currency.
        fee_taker, fee_maker: fractions of the traded value; None takes the instrument's.
        leverage: position value allowed per unit of equity on linear markets; spot is always 1.
        queue: ``touch``: a limit order fills when its price is touched; ``through``: when it is passed by a tick.
        volume_share: part of a bar's volume that the orders of one bar may take, the rest waits; 0 for no bound.
        policy: who wins where one bar could hit both the stop and the target of a position: ``pessimistic``,
            ``optimistic``, or ``path`` (open, nearer extreme, other extreme, close).
        slippage: how much worse than the price of the bar a taker is filled: a name of
            `kernels.slippage.SLIPPAGE_MODELS` with its number, such as ``basis_points:2``.
    """

    cash: Decimal = Decimal(10000)
    fee_taker: Decimal | None = None
    fee_maker: Decimal | None = None
    leverage: int = 1
    queue: str = "touch"
    volume_share: Decimal = Decimal(0)
    policy: str = "pessimistic"
    slippage: str = "none"

    def terms(self, instrument: Instrument, bars: Bars) -> Terms:
        """Return the integers that the kernels work with.

        Raises:
            InputError: an inverse market, a negative or too fine fee, cash that is not positive, or amounts for which
                64-bit integers could overflow.
        """
        if instrument.market == Market.INVERSE:
            raise InputError(
                "Backtests of inverse contracts are not offered yet.",
                code="unsupported_market",
                field="market",
                value="inverse",
                fix="Use spot or linear.",
            )
        if not self.cash.is_finite() or self.cash <= 0 or money(self.cash) >= _VALUE_LIMIT:
            raise InputError(
                f"Starting cash is {self.cash}.",
                code="bad_cash",
                field="cash",
                value=str(self.cash),
                fix="Give a positive amount below ten billion.",
            )
        if not 1 <= self.leverage <= 1000:
            raise InputError(
                f"Leverage is {self.leverage}.",
                field="leverage",
                value=self.leverage,
                fix="Give a whole number from 1 to 1000.",
            )
        unit = Fraction(instrument.tick_size * instrument.quantity_step * instrument.contract_value / MONEY_UNIT)
        highest = int(bars.high.max()) if len(bars.high) else 1
        max_price = highest * _PRICE_HEADROOM
        max_lots = min(
            _VALUE_LIMIT // (max_price * unit.numerator),
            _VALUE_LIMIT * unit.denominator // (max_price * unit.numerator),
        )
        min_lots = max(1, math.ceil(instrument.min_quantity / instrument.quantity_step))
        if max_lots < min_lots:
            raise InputError(
                f"Amounts of {instrument.symbol} do not fit 64-bit integers: one lot is worth up to "
                f"{highest * instrument.tick_size * instrument.quantity_step} {instrument.quote}.",
                code="would_overflow",
                field="quantity_step",
                value=str(instrument.quantity_step),
                fix="Describe the instrument with a coarser grid (--instrument FILE).",
            )
        spot = instrument.market == Market.SPOT
        name, _, number = self.slippage.partition(":")
        model, parameter = slippage_terms(name, number or 0)
        return Terms(
            value_numerator=unit.numerator,
            value_denominator=unit.denominator,
            maker_rate=fee_rate(instrument.maker_fee if self.fee_maker is None else self.fee_maker, "fee_maker"),
            taker_rate=fee_rate(instrument.taker_fee if self.fee_taker is None else self.fee_taker, "fee_taker"),
            leverage=1 if spot else self.leverage,
            short_allowed=not spot,
            min_lots=min_lots,
            max_lots=int(max_lots),
            max_price_ticks=max_price,
            min_notional=money(instrument.min_notional),
            queue=_number_of(QUEUES, self.queue, "queue"),
            lots_per_volume=self._lots_per_volume(instrument),
            policy=_number_of(POLICIES, self.policy, "policy"),
            slippage_model=model,
            slippage_parameter=parameter,
            lots_per_unit=float(1 / instrument.quantity_step),
        )

    def _lots_per_volume(self, instrument: Instrument) -> float:
        share = self.volume_share
        if not share.is_finite() or not 0 <= share <= 1:
            raise InputError(
                f"volume_share is {share}.", field="volume_share", value=str(share), fix="Give a part from 0 to 1."
            )
        return float(share / instrument.quantity_step)


def _number_of(words: tuple[str, ...], word: str, field: str) -> int:
    if word not in words:
        raise InputError(f"{field} is {word!r}.", field=field, value=word, fix=f"Use one of {', '.join(words)}.")
    return words.index(word)


def fee_rate(fraction: Decimal, field: str) -> int:
    """Return a fee as an integer of 1e-9.

    Raises:
        InputError: negative, 100 % or more, or finer than 1e-9.
    """
    scaled = fraction * RATE_SCALE
    if not fraction.is_finite() or not 0 <= fraction < 1 or scaled != scaled.to_integral_value():
        raise InputError(
            f"Fee {field} is {fraction}.",
            code="bad_fee",
            field=field,
            value=str(fraction),
            fix="Give a fraction from 0 to below 1 with at most nine decimals, such as 0.00055.",
        )
    return int(scaled)
