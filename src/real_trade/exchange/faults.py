"""Things that go wrong on purpose: which there are, and when one strikes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from real_trade.model import InputError


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault.

    Attributes:
        about: what the client meets.
        argument: meaning of the number after the rate; empty where there is none.
        default: that number when it is not given.
        rows_only: strikes answers with bars only.
    """

    about: str
    argument: str = ""
    default: float = 0.0
    rows_only: bool = False


FAULTS: Final[dict[str, Fault]] = {
    "error_5xx": Fault("an HTTP error of the gateway, with a page of HTML", "status", 503),
    "rate_10006": Fault("the venue's word for too many requests, with the time to wait", "seconds", 1.0),
    "truncated": Fault("the connection ends in the middle of the body"),
    "cut_json": Fault("a complete answer whose JSON stops half-way"),
    "slow": Fault("the answer comes late", "seconds", 5.0),
    "reset": Fault("the connection is reset before the answer"),
    "missing_bar": Fault("one bar in the middle of the page is left out", rows_only=True),
    "revised_bar": Fault("the newest finished bar carries a volume that is not final", rows_only=True),
}


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that happens now: its name and its number."""

    name: str
    argument: float


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A fault that may happen.

    Attributes:
        name: one of FAULTS.
        rate: chance per request, 0 to 1.
        argument: status, seconds, or nothing.
    """

    name: str
    rate: float
    argument: float

    @classmethod
    def parse(cls, text: str) -> FaultPlan:
        """Read ``NAME=RATE[:ARG]``.

        Raises:
            InputError: no such fault, or numbers that are none.
        """
        name, _, rest = text.partition("=")
        rate_text, _, argument_text = rest.partition(":")
        if name not in FAULTS:
            raise _refused(text, f"Use one of {', '.join(FAULTS)}.")
        try:
            rate = float(rate_text)
            argument = float(argument_text) if argument_text else FAULTS[name].default
        except ValueError:
            raise _refused(text, f"Write it as {name}=0.1, or {name}=0.1:2.") from None
        if not 0.0 <= rate <= 1.0 or not 0.0 <= argument < float("inf"):
            raise _refused(text, "The rate lies between 0 and 1, the argument is not negative.")
        return cls(name, rate, argument)


class FaultDice:
    """Decides, request by request, whether a fault strikes.

    Args:
        plans: what may happen.
        seed: the same seed and the same order of requests give the same faults.
    """

    def __init__(self, plans: tuple[FaultPlan, ...], seed: int) -> None:
        self._plans = plans
        self._random = random.Random(seed)  # noqa: S311 - rehearsal, not secrets

    def throw(self, *, has_rows: bool) -> Strike | None:
        """Return the fault that strikes this request, if one does; at most one does."""
        for plan in self._plans:
            struck = self._random.random() < plan.rate
            if struck and (has_rows or not FAULTS[plan.name].rows_only):
                return Strike(plan.name, plan.argument)
        return None


def _refused(text: str, fix: str) -> InputError:
    return InputError(f"Fault {text!r} cannot be understood.", code="bad_fault", field="fault", value=text, fix=fix)
