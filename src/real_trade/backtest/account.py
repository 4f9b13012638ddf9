"""The account of a backtest: money as the caller says it, integers as the kernels need them, proved not to overflow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from real_trade.kernels.accounting import Terms
from real_trade.kernels.arithmetic import RATE_SCALE, WIDE_LIMIT
from real_trade.kernels.funding import FUNDING_DIVISOR_LIMIT
from real_trade.kernels.slippage import slippage_terms
from real_trade.model.errors import InputError
from real_trade.model.fees import FeeTier, find_fees
from real_trade.model.instrument import MONEY_UNIT, Market, money

if TYPE_CHECKING:
    from real_trade.model.bars import Bars
    from real_trade.model.instrument import Instrument
    from real_trade.model.tiers import MarginTiers

# Words of the settings, in the order of their numbers in the kernels.
QUEUES = ("touch", "through")
POLICIES = ("pessimistic", "optimistic", "path", "finer")
MARGINS = ("cross", "isolated")
# Binance's fee on the value liquidated of its major USD-M contracts ("Trading rules", liquidation fee).
_LIQUIDATION_FEE = Decimal("0.0125")
_LATENCY_LIMIT_MS = 86_400_000

# Largest value of a position, in money units: within what margin arithmetic is exact for; sums stay below 2**63.
_VALUE_LIMIT = 2**59
# Orders may name prices up to this many times the highest price of the data.
_PRICE_HEADROOM = 4


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What a backtest starts from.

    Attributes:
        cash: starting balance, settlement currency.
        fee_taker, fee_maker: fractions of the traded value; None takes the tier's.
        fee_tier: of the venue, such as ``vip1``; None takes the instrument's fees.
        leverage: position value allowed per unit of equity on linear and inverse markets; spot is always 1.
        margin: ``cross``: a position is backed by the whole account; ``isolated``: by its own margin alone.
        fee_liquidation: fraction of the value liquidated; None takes the taker fee on Bybit, 1.25 % elsewhere.
        latency_ms: from a decision on a bar's close to its arrival at the venue.
        funding_rate: stated constant, fraction of the position's value per settlement; None takes stored rates.
        queue: ``touch``: a limit order fills when its price is touched; ``through``: when it is passed by a tick.
        volume_share: part of a bar's volume that the orders of one bar may take, the rest waits; 0 for no bound.
        policy: who wins where one bar could hit both the stop and the target of a position: ``pessimistic``,
            ``optimistic``, ``path`` (open, nearer extreme, other extreme, close), or ``finer``: the trades, or else the
            shortest bars, that are stored.
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
    margin: str = "cross"
    fee_liquidation: Decimal | None = None
    latency_ms: int = 0
    funding_rate: Decimal | None = None
    fee_tier: str | None = None

    def terms(self, instrument: Instrument, bars: Bars, tiers: MarginTiers | None = None) -> Terms:
        """Return the integers that the kernels work with.

        Args:
            instrument: what is traded.
            bars: its data.
            tiers: its margin tiers, which bound a position at this leverage; None knows no bound.

        Raises:
            InputError: a negative or too fine fee, cash that is not positive, a leverage that the venue does not offer,
                or amounts for which 64-bit integers could overflow.
        """
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
        if not isinstance(self.latency_ms, int) or not 0 <= self.latency_ms <= _LATENCY_LIMIT_MS:
            raise InputError(
                f"latency_ms is {self.latency_ms}.",
                field="latency_ms",
                value=self.latency_ms,
                fix=f"Give whole milliseconds from 0 to {_LATENCY_LIMIT_MS}.",
            )
        grid, fees = _grid(instrument, bars), self._fees(instrument)
        spot = instrument.market == Market.SPOT
        name, _, number = self.slippage.partition(":")
        model, parameter = slippage_terms(name, number or 0)
        return Terms(
            value_numerator=grid.unit.numerator,
            value_denominator=grid.unit.denominator,
            maker_rate=fee_rate(fees.maker if self.fee_maker is None else self.fee_maker, "fee_maker"),
            taker_rate=fee_rate(fees.taker if self.fee_taker is None else self.fee_taker, "fee_taker"),
            leverage=1 if spot else self.leverage,
            short_allowed=not spot,
            min_lots=grid.min_lots,
            max_lots=grid.max_lots,
            max_price_ticks=grid.max_price,
            min_notional=0 if grid.inverse else money(instrument.min_notional),
            queue=_number_of(QUEUES, self.queue, "queue"),
            lots_per_volume=self._lots_per_volume(instrument),
            # What finer bars leave open is decided against the trader.
            policy=_number_of(POLICIES, self.policy, "policy") % POLICIES.index("finer"),
            slippage_model=model,
            slippage_parameter=parameter,
            lots_per_unit=float(1 / instrument.volume_step),
            inverse=grid.inverse,
            isolated=_number_of(MARGINS, self.margin, "margin") == 1,
            max_value=_VALUE_LIMIT if spot or tiers is None else _largest_value(tiers, self.leverage),
            latency_ms=self.latency_ms,
            liquidation_rate=0 if spot else fee_rate(self._liquidation_fee(instrument, fees), "fee_liquidation"),
            at_bankruptcy=instrument.venue == "bybit",
        )

    def _fees(self, instrument: Instrument) -> FeeTier:
        if self.fee_tier is None:
            return FeeTier(instrument.maker_fee, instrument.taker_fee)
        return find_fees(instrument.venue, instrument.market, self.fee_tier)

    def _liquidation_fee(self, instrument: Instrument, fees: FeeTier) -> Decimal:
        if self.fee_liquidation is not None:
            return self.fee_liquidation
        if instrument.venue == "bybit":
            return fees.taker if self.fee_taker is None else self.fee_taker
        return _LIQUIDATION_FEE

    def _lots_per_volume(self, instrument: Instrument) -> float:
        share = self.volume_share
        if not share.is_finite() or not 0 <= share <= 1:
            raise InputError(
                f"volume_share is {share}.", field="volume_share", value=str(share), fix="Give a part from 0 to 1."
            )
        return float(share / instrument.volume_step)


class _Grid(NamedTuple):
    """How lots and ticks become money units, and the bounds within which 64-bit integers hold them."""

    unit: Fraction
    inverse: bool
    min_lots: int
    max_lots: int
    max_price: int


def _grid(instrument: Instrument, bars: Bars) -> _Grid:
    highest = int(bars.high.max()) if len(bars.high) else 1
    lowest = int(bars.low.min()) if len(bars.low) else 1
    max_price = highest * _PRICE_HEADROOM
    step, tick = instrument.quantity_step * instrument.contract_value, instrument.tick_size
    inverse = instrument.market == Market.INVERSE
    min_lots = max(1, math.ceil(instrument.min_quantity / instrument.quantity_step))
    if inverse:
        unit = Fraction(step / MONEY_UNIT) / Fraction(tick)
        min_lots = max(min_lots, math.ceil(instrument.min_notional / step))
        # The value is largest where the price is lowest; orders may name lower ones still.
        floor = max(1, lowest // _PRICE_HEADROOM)
        bound = min(WIDE_LIMIT, _VALUE_LIMIT * floor * unit.denominator) // unit.numerator
        fits = max_price * unit.denominator <= FUNDING_DIVISOR_LIMIT
        max_lots = bound if fits else 0
    else:
        unit = Fraction(tick * step / MONEY_UNIT)
        max_lots = min(
            _VALUE_LIMIT // (max_price * unit.numerator),
            _VALUE_LIMIT * unit.denominator // (max_price * unit.numerator),
        )
        if instrument.market == Market.LINEAR and unit.denominator > FUNDING_DIVISOR_LIMIT:
            max_lots = 0
    if max_lots < min_lots:
        raise InputError(
            f"Amounts of {instrument.symbol} do not fit 64-bit integers: one lot is worth up to "
            f"{step if inverse else highest * tick * step} {instrument.quote}.",
            code="would_overflow",
            field="quantity_step",
            value=str(instrument.quantity_step),
            fix="Describe the instrument with a coarser grid (--instrument FILE).",
        )
    return _Grid(unit, inverse, min_lots, int(max_lots), max_price)


def _largest_value(tiers: MarginTiers, leverage: int) -> int:
    """Return the largest position at a leverage, money units.

    Raises:
        InputError: no tier offers it.
    """
    caps = [tier.cap for tier in tiers.tiers if tier.max_leverage >= leverage]
    if not caps:
        raise InputError(
            f"Leverage is {leverage}; the venue offers at most {tiers.tiers[0].max_leverage}.",
            code="leverage_too_high",
            field="leverage",
            value=leverage,
            fix="Choose a smaller one.",
        )
    return min(money(caps[-1]), _VALUE_LIMIT)


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
