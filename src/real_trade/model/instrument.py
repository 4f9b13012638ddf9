"""Instruments: what is traded, on which grid of prices and quantities, and how a fill becomes money."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from real_trade.model.errors import InputError

# Amounts of money are integers of this many of the settlement currency.
MONEY_UNIT = Decimal("0.00000001")


class Market(StrEnum):
    """Kind of market; decides how a position turns into money."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"

    @classmethod
    def parse(cls, text: str) -> Market:
        """Read a market word; ``future``, ``futures``, ``swap`` and ``delivery`` are known too.

        Raises:
            InputError: no such market.
        """
        word = str(text).strip().lower()
        word = {"future": "linear", "futures": "linear", "swap": "linear", "delivery": "inverse"}.get(word, word)
        try:
            return cls(word)
        except ValueError:
            raise InputError(
                f"Unknown market {text!r}.",
                code="unknown_market",
                field="market",
                value=text,
                fix="Use spot, linear or inverse.",
            ) from None


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable symbol at one venue.

    Attributes:
        venue: ``bybit``, ``binance`` ...
        symbol: the venue's own spelling, upper case (``BTCUSDT``).
        market: spot, linear or inverse.
        base, quote, settle: currencies; ``settle`` is the one profit and fees are booked in.
        tick_size: smallest price step, in quote.
        quantity_step: smallest quantity step, in base (inverse: in contracts).
        min_quantity: smallest order, in the same unit.
        min_notional: smallest order value in quote; 0 where there is none.
        contract_value: base per unit of quantity on linear (usually 1), quote per contract on inverse.
        funding_interval_minutes: 0 on spot.
        maker_fee, taker_fee: fraction of the traded value, venue's first tier.
        inferred: the grid was guessed from prices, not told by the venue.
    """

    venue: str
    symbol: str
    market: Market
    base: str
    quote: str
    settle: str
    tick_size: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    min_notional: Decimal = Decimal(0)
    contract_value: Decimal = Decimal(1)
    funding_interval_minutes: int = 0
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    inferred: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a grid that cannot be one."""
        for name in ("tick_size", "quantity_step", "contract_value"):
            value = getattr(self, name)
            if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
                raise InputError(
                    f"{self.symbol}: {name} must be a positive decimal.",
                    code="bad_instrument",
                    field=name,
                    value=value,
                    fix="Write it as text, such as 0.01.",
                )

    def ticks(self, price: Decimal | str | int) -> int:
        """Return the price as a whole number of ticks.

        Raises:
            InputError: the price does not lie on the grid.
        """
        return _steps(Decimal(price), self.tick_size, "price", self.symbol)

    def price(self, ticks: int) -> Decimal:
        """Return the price of so many ticks, exactly."""
        return self.tick_size * ticks

    def lots(self, quantity: Decimal | str | int) -> int:
        """Return the quantity as a whole number of quantity steps.

        Raises:
            InputError: the quantity does not lie on the grid.
        """
        return _steps(Decimal(quantity), self.quantity_step, "quantity", self.symbol)

    def quantity(self, lots: int) -> Decimal:
        """Return the quantity of so many lots, exactly."""
        return self.quantity_step * lots

    @property
    def volume_step(self) -> Decimal:
        """Return the volume of one lot as it is counted in bars and trades: in base, on inverse markets in contracts.

        Binance gives the volume of inverse markets in contracts, Bybit in USD, of which its contracts are worth one.
        """
        return self.quantity_step * (1 if self.market == Market.INVERSE else self.contract_value)

    @property
    def price_decimals(self) -> int:
        """Return the number of decimals that show every price of the grid."""
        exponent = self.tick_size.normalize().as_tuple().exponent
        return max(0, -int(exponent))


def money(amount: Decimal | str | int) -> int:
    """Return an amount of settlement currency in money units, rounded half-even.

    >>> money("0.00055")
    55000
    """
    return int((Decimal(amount) / MONEY_UNIT).to_integral_value(ROUND_HALF_EVEN))


def money_decimal(units: int) -> Decimal:
    """Return money units as an exact amount of settlement currency."""
    return MONEY_UNIT * units


def _steps(value: Decimal, step: Decimal, name: str, symbol: str) -> int:
    if not value.is_finite():
        raise InputError(f"{symbol}: {name} {value} is not a number.", field=name, value=str(value))
    steps = value / step
    whole = steps.to_integral_value(ROUND_HALF_EVEN)
    if whole != steps:
        raise InputError(
            f"{symbol}: {name} {value} is not a multiple of {step}.",
            code="off_grid",
            field=name,
            value=str(value),
            fix=f"The nearest one is {whole * step}.",
        )
    return int(whole)
