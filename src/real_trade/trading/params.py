"""Parameters of a strategy: declared once, with bounds, so that a search space follows from the declaration."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from real_trade.model.errors import InputError

if TYPE_CHECKING:
    from real_trade.model.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number.

    Attributes:
        default, low, high: bounds inclusive.
        doc: what it means, one phrase.
    """

    default: int
    low: int
    high: int
    doc: str = ""

    def parse(self, name: str, value: object) -> int:
        """Return the number that a flag or a caller gave."""
        try:
            number = int(str(value))
        except ValueError:
            raise _bad(name, value, f"a whole number from {self.low} to {self.high}") from None
        if not self.low <= number <= self.high:
            raise _bad(name, value, f"a whole number from {self.low} to {self.high}")
        return number

    def to_core(self, value: object, instrument: Instrument) -> int:  # noqa: ARG002 - one signature for all kinds
        """Return what ``on_bar`` sees."""
        return int(str(value))


@dataclass(frozen=True, slots=True)
class Float:
    """A real number; bounds inclusive."""

    default: float
    low: float
    high: float
    doc: str = ""

    def parse(self, name: str, value: object) -> float:
        """Return the number that a flag or a caller gave."""
        try:
            number = float(str(value))
        except ValueError:
            raise _bad(name, value, f"a number from {self.low} to {self.high}") from None
        if not self.low <= number <= self.high:
            raise _bad(name, value, f"a number from {self.low} to {self.high}")
        return number

    def to_core(self, value: object, instrument: Instrument) -> float:  # noqa: ARG002 - one signature for all kinds
        """Return what ``on_bar`` sees."""
        return float(str(value))


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of base currency (inverse: contracts); ``on_bar`` sees it as whole lots.

    Attributes:
        default, low, high: above ``low``, up to ``high``.
        doc: what it means, one phrase.
        symbol: of which of the strategy's symbols, counted from 0.
    """

    default: str
    doc: str = ""
    low: str = "0"
    high: str = "1000000000"
    symbol: int = 0

    def parse(self, name: str, value: object) -> Decimal:
        """Return the amount that a flag or a caller gave."""
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise _bad(name, value, "a positive quantity such as 0.01") from None
        if not number.is_finite() or not Decimal(self.low) < number <= Decimal(self.high):
            raise _bad(name, value, f"a quantity above {self.low} and up to {self.high}")
        return number

    def to_core(self, value: object, instrument: Instrument) -> int:
        """Return what ``on_bar`` sees: whole lots."""
        return instrument.lots(Decimal(str(value)))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; ``on_bar`` sees its position in the list, 0 for the first. The first is the default."""

    options: tuple[str, ...]
    doc: str = ""

    @property
    def default(self) -> str:
        """Return the first word."""
        return self.options[0]

    def parse(self, name: str, value: object) -> str:
        """Return the word that a flag or a caller gave."""
        if value not in self.options:
            raise _bad(name, value, f"one of {', '.join(self.options)}")
        return str(value)

    def to_core(self, value: object, instrument: Instrument) -> int:  # noqa: ARG002 - one signature for all kinds
        """Return what ``on_bar`` sees: the word's position."""
        return self.options.index(str(value))


Parameter = Int | Float | Quantity | Choice


def _bad(name: str, value: object, wanted: str) -> InputError:
    return InputError(
        f"Parameter {name} is {value!r}.", code="bad_parameter", field=name, value=str(value), fix=f"Give {wanted}."
    )
