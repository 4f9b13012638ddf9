"""Things that go wrong on purpose: which there are, when one strikes, and what was struck."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from real_trade.model import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from real_trade.model import Clock


class Where(StrEnum):
    """What a fault strikes."""

    REQUEST = "request"
    ANSWER = "answer"
    STREAM = "stream"
    MARKET = "market"


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault.

    Attributes:
        about: what the client meets.
        where: what it strikes. A request that is struck is not carried out; of one whose answer is struck, it was.
        argument: meaning of the plan's number; empty where there is none.
        default: that number when it is not given.
        endpoint: what it strikes when the plan names nothing: patterns of paths or topics, with | between them.
    """

    about: str
    where: Where = Where.ANSWER
    argument: str = ""
    default: float = 0.0
    endpoint: str = "*"


_KLINES: Final = "*[kK]line*"
_ORDERS: Final = "*order*"
_TICKERS: Final = "*ticker*"
_ORDER_TOPICS: Final = "order*|executionReport|ORDER_*"

FAULTS: Final[dict[str, Fault]] = {
    # Requests that are not carried out
    "error_5xx": Fault("an HTTP error of the gateway, with a page of HTML", Where.REQUEST, "status", 503),
    "rate_10006": Fault("the venue's word for too many requests, with the time to wait", Where.REQUEST, "seconds", 1.0),
    "ip_ban": Fault("the address is banned for a while", Where.REQUEST, "seconds", 10.0),
    "maintenance": Fault("the venue says that it is being maintained", Where.REQUEST),
    "reset": Fault("the connection is reset before the answer", Where.REQUEST),
    # Requests that are carried out, whose answer goes astray
    "lost_answer": Fault("carried out, then the connection is reset without an answer"),
    "error_after": Fault("carried out, then an HTTP error of the gateway", Where.ANSWER, "status", 502),
    "timed_out": Fault("carried out, then the venue says that it does not know what became of it"),
    "no_answer": Fault(
        "carried out, then nothing comes for a while, and the connection ends", Where.ANSWER, "seconds", 30
    ),
    "slow": Fault("the answer comes late, after what the streams say of it", Where.ANSWER, "seconds", 5.0),
    "truncated": Fault("the connection ends in the middle of the body"),
    "cut_json": Fault("a complete answer whose JSON stops half-way"),
    "unknown_field": Fault("the answer's rows have a field that nobody has heard of"),
    "unknown_enum": Fault("orders have a status that nobody has heard of", endpoint=_ORDERS),
    "missing_field": Fault("orders do not say how much of them is filled", endpoint=_ORDERS),
    "zero_price": Fault("prices are 0, as of what is no longer traded", endpoint=_TICKERS),
    "missing_order": Fault("one order is left out of a list of them", endpoint=_ORDERS),
    "stale_answer": Fault("the answer is the one of the last time that the same was asked"),
    "missing_bar": Fault("one bar in the middle of the page is left out", endpoint=_KLINES),
    "revised_bar": Fault("the newest finished bar carries a volume that is not final", endpoint=_KLINES),
    "cancel_race": Fault("an order is filled just before its cancellation arrives", endpoint="*cancel*"),
    # Streams; the endpoint is a pattern of topics
    "stream_drop": Fault("the socket is cut", Where.STREAM),
    "stream_silence": Fault("the socket stays open, and nothing comes or is heard any more", Where.STREAM),
    "stream_loss": Fault("a message is lost", Where.STREAM),
    "stream_twice": Fault("a message comes twice", Where.STREAM, "seconds between", 0.0),
    "stream_swap": Fault("a message comes after the next one", Where.STREAM),
    "stream_delay": Fault("a message, and all after it, come late", Where.STREAM, "seconds", 2.0),
    "stream_cut": Fault("a message whose JSON stops half-way", Where.STREAM),
    "stream_unknown_field": Fault("a message has a field that nobody has heard of", Where.STREAM),
    "stream_unknown_enum": Fault("orders have a status that nobody has heard of", Where.STREAM, endpoint=_ORDER_TOPICS),
    "stream_missing_field": Fault("orders do not say how much of them is filled", Where.STREAM, endpoint=_ORDER_TOPICS),
    "stream_zero_price": Fault("prices are 0, as of what is no longer traded", Where.STREAM, endpoint="*[tT]icker*"),
    "book_gap": Fault(
        "a change of the book is lost: its numbering has a hole", Where.STREAM, endpoint="orderbook*|*depth*"
    ),
    # The market and the venue; they happen once, at a time
    "book_restart": Fault("the venue's books start anew, numbered from 1", Where.MARKET),
    "clock_skew": Fault("the venue's clock is off", Where.MARKET, "milliseconds, ahead if positive", 3_000.0),
    "price_gap": Fault("the price jumps by a share of itself, and comes back", Where.MARKET, "share", 0.05),
    "partial_then_cancel": Fault("half of each resting order fills, then the venue cancels it", Where.MARKET),
    "self_trade": Fault("the newest resting order of each account is cancelled by self-trade prevention", Where.MARKET),
    "lot_change": Fault("the grid of quantities becomes coarser", Where.MARKET, "times", 10.0),
    "tick_change": Fault("the price grid becomes coarser", Where.MARKET, "times", 10.0),
    "delisting": Fault("orders are cancelled, positions settled at the mark price, new orders refused", Where.MARKET),
    "funding_interval": Fault("funding falls due in another interval", Where.MARKET, "minutes", 60.0),
    "liquidation": Fault("positions are taken over at the mark price", Where.MARKET),
    "adl": Fault("half of each position is closed against somebody else's bankruptcy", Where.MARKET, "share", 0.5),
    "listen_key_expired": Fault("keys of user streams are no longer valid", Where.MARKET),
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
        rate: chance per request or message, 0 to 1.
        argument: status, seconds, or what the kind says.
        endpoint: patterns of the paths or topics that it strikes, with | between them.
        symbol: what a fault of the market strikes; empty for all.
        from_s, to_s: when it may happen, seconds of market time after the start; a fault of the market happens at the
            beginning of that.
        times: how often at most; 0 for no limit.
    """

    name: str
    rate: float = 1.0
    argument: float = 0.0
    endpoint: str = "*"
    symbol: str = ""
    from_s: float = 0.0
    to_s: float = float("inf")
    times: int = 0

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
        return cls(name, rate, argument, FAULTS[name].endpoint)

    @classmethod
    def of(cls, entry: Any) -> FaultPlan:
        """Read an entry of a plan: ``{"kind": "reset", "probability": 0.1, "endpoint": "/v5/order/*", ...}``.

        Raises:
            InputError: it is none.
        """
        if not isinstance(entry, dict) or entry.get("kind") not in FAULTS:
            raise _refused(json.dumps(entry), f"Give each a kind: one of {', '.join(FAULTS)}.")
        fault = FAULTS[entry["kind"]]
        unknown = set(entry) - set(_KEYS)
        if unknown:
            raise _refused(json.dumps(entry), f"Use the keys {', '.join(_KEYS)}.")
        for key, kind in _KEYS.items():
            value = entry.get(key)
            if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
                raise _refused(json.dumps(entry), f"{key} has another type.")
        at = entry.get("at_s") or entry.get("from_s") or 0.0
        plan = cls(
            entry["kind"],
            float(entry.get("probability", 1.0)),
            float(entry.get("argument", fault.default)),
            entry.get("endpoint", fault.endpoint),
            entry.get("symbol", ""),
            float(at),
            float(entry.get("to_s", "inf")),
            entry.get("times", 1 if fault.where is Where.MARKET else 0),
        )
        if not 0.0 <= plan.rate <= 1.0 or plan.times < 0 or not plan.from_s <= plan.to_s:
            raise _refused(json.dumps(entry), "A probability lies between 0 and 1, and from_s before to_s.")
        return plan


# What an entry of a plan may say.
_KEYS: Final[dict[str, Any]] = {
    "kind": str,
    "probability": (int, float),
    "argument": (int, float),
    "endpoint": str,
    "symbol": str,
    "at_s": (int, float),
    "from_s": (int, float),
    "to_s": (int, float),
    "times": int,
}


def read_plan(path: Path) -> tuple[tuple[FaultPlan, ...], int | None]:
    """Return the faults and the seed of a plan: ``{"seed": 1, "faults": [{"kind": ...}, ...]}``.

    Raises:
        InputError: the file cannot be read, or is no plan.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"The fault plan {path} cannot be read: {error}.",
            code="bad_fault",
            field="faults",
            value=str(path),
            fix='Write {"seed": 1, "faults": [{"kind": "reset", "probability": 0.1}]}.',
        ) from None
    if not isinstance(document, dict) or not isinstance(document.get("faults"), list):
        raise _refused(str(path), 'Write {"seed": 1, "faults": [{"kind": "reset", "probability": 0.1}]}.')
    seed = document.get("seed")
    if set(document) - {"seed", "faults"} or not (seed is None or (isinstance(seed, int) and seed >= 0)):
        raise _refused(str(path), "Beside faults there is only a seed, a whole number from 0 on.")
    return tuple(FaultPlan.of(entry) for entry in document["faults"]), seed


@dataclass(slots=True)
class _Planned:
    plan: FaultPlan
    struck: int = 0


@dataclass(slots=True)
class FaultDice:
    """Decides, event by event, whether a fault strikes, and notes those that did.

    Args:
        plans: what may happen.
        seed: the same seed and the same order of events give the same faults.
        market: market time, by which windows are counted from now on; None knows no windows.
        note: takes a line for each fault of a stream or of the market; those of requests are in the request's own line.
    """

    plans: Iterable[FaultPlan]
    seed: int
    market: Clock | None = None
    note: Callable[[dict[str, object]], None] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _planned: dict[Where, list[_Planned]] = field(init=False)
    _random: random.Random = field(init=False)
    _start_ms: int = field(init=False)

    def __post_init__(self) -> None:
        """Sort the plans by what they strike."""
        self._planned = {where: [] for where in Where}
        for plan in self.plans:
            self.add(plan)
        self._random = random.Random(self.seed)  # noqa: S311 - rehearsal, not secrets
        self._start_ms = 0 if self.market is None else self.market.now_ms()

    def add(self, plan: FaultPlan) -> None:
        """Plan a further fault."""
        self._planned[FAULTS[plan.name].where].append(_Planned(plan))

    def clear(self) -> None:
        """Plan nothing any more."""
        for planned in self._planned.values():
            planned.clear()

    def strikes(self, where: Where) -> bool:
        """Tell whether anything at all is planned there."""
        return bool(self._planned[where])

    def throw(self, where: Where, target: str) -> Strike | None:
        """Return the fault that strikes a path or topic, if one does; at most one does."""
        for planned in self._planned[where]:
            plan = planned.plan
            fits = any(fnmatchcase(target, pattern) for pattern in plan.endpoint.split("|"))
            if not fits or not self._is_time(planned):
                continue
            if self._random.random() < plan.rate:
                self._count(planned, target)
                return Strike(plan.name, plan.argument)
        return None

    def due(self) -> list[FaultPlan]:
        """Return the faults of the market that happen now."""
        found = []
        for planned in self._planned[Where.MARKET]:
            if self._is_time(planned):
                self._count(planned, planned.plan.symbol)
                found.append(planned.plan)
        return found

    def _is_time(self, planned: _Planned) -> bool:
        plan = planned.plan
        if plan.times and planned.struck >= plan.times:
            return False
        elapsed = 0.0 if self.market is None else (self.market.now_ms() - self._start_ms) / 1_000
        return plan.from_s <= elapsed <= plan.to_s

    def _count(self, planned: _Planned, target: str) -> None:
        planned.struck += 1
        self.counts[planned.plan.name] += 1
        if self.note is not None and FAULTS[planned.plan.name].where in (Where.STREAM, Where.MARKET):
            time = 0 if self.market is None else self.market.now_ms()
            self.note({"market_time": time, "fault": planned.plan.name, "target": target})


def _refused(text: str, fix: str) -> InputError:
    return InputError(f"Fault {text!r} cannot be understood.", code="bad_fault", field="fault", value=text, fix=fix)
