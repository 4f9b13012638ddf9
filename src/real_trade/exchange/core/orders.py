"""Orders as the exchange keeps them, what may be asked for, and why it may be refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from real_trade.exchange.core.contract import share

if TYPE_CHECKING:
    from real_trade.exchange.core.contract import Contract


class Status(StrEnum):
    """Where an order is in its life."""

    UNTRIGGERED = "untriggered"
    TRIGGERED = "triggered"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    DEACTIVATED = "deactivated"
    REJECTED = "rejected"


OPEN: Final = frozenset({Status.UNTRIGGERED, Status.TRIGGERED, Status.NEW, Status.PARTIALLY_FILLED})

# What may follow what; the documented life of an order at Bybit and Binance.
TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    Status.UNTRIGGERED: frozenset({Status.TRIGGERED, Status.DEACTIVATED}),
    Status.TRIGGERED: frozenset(
        {Status.NEW, Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELLED, Status.REJECTED}
    ),
    Status.NEW: frozenset({Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELLED}),
    Status.PARTIALLY_FILLED: frozenset({Status.PARTIALLY_FILLED, Status.FILLED, Status.CANCELLED}),
    Status.FILLED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.DEACTIVATED: frozenset(),
    Status.REJECTED: frozenset(),
}


class Force(StrEnum):
    """How long an order stays."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class SelfTrade(StrEnum):
    """What becomes of two orders of one account that meet; who arrives decides."""

    NONE = "none"
    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    CANCEL_BOTH = "cancel_both"


class Why(StrEnum):
    """Why something was refused, or an order ended unfilled."""

    UNKNOWN_ORDER = "unknown_order"
    DUPLICATE_LINK = "duplicate_link"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    BAD_PRICE = "bad_price"
    LOW_VALUE = "low_value"
    NO_FUNDS = "no_funds"
    REDUCE_ONLY = "reduce_only"
    TRIGGER_SIDE = "trigger_side"
    NO_TRIGGER = "no_trigger"
    BAD_SIDE = "bad_side"
    NO_CHANGE = "no_change"
    LEVERAGE = "leverage"
    HAS_POSITION = "has_position"
    HAS_ORDERS = "has_orders"
    RISK_LIMIT = "risk_limit"
    BY_USER = "by_user"
    WOULD_TAKE = "would_take"
    NOT_FILLED = "not_filled"
    LIQUIDATION = "liquidation"
    SELF_TRADE = "self_trade"
    POSITION_CLOSED = "position_closed"
    BY_VENUE = "by_venue"
    DELISTED = "delisted"
    DISCONNECTED = "disconnected"
    RIVAL = "rival"


class Refused(Exception):
    """A command was not carried out; nothing has changed."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(detail or str(why))
        self.why = why


class Price(StrEnum):
    """Which price sets a trigger off."""

    LAST = "last"
    MARK = "mark"
    INDEX = "index"


class Trigger(NamedTuple):
    """What lets a conditional order loose: a price at or above (rises), or at or below, so many ticks.

    Attributes:
        ticks: the price; of a trailing one where it stands now, 0 while it has not begun to follow.
        rises: it is met from below.
        by: which price is watched.
        trail: distance at which it follows a price that moves away from it; 0 stands still.
        begins: price at which it begins to follow; 0 at once.
        rate: distance at which it follows as a part of that price, 1e-9; instead of ``trail``.
    """

    ticks: int
    rises: bool
    by: Price = Price.LAST
    trail: int = 0
    begins: int = 0
    rate: int = 0

    @property
    def trails(self) -> bool:
        """Tell whether it follows the price."""
        return self.trail > 0 or self.rate > 0

    def is_met(self, ticks: int) -> bool:
        """Tell whether a price sets it off."""
        if self.ticks == 0:
            return False
        return ticks >= self.ticks if self.rises else ticks <= self.ticks

    def after(self, ticks: int) -> Trigger:
        """Return where it stands once a price has been seen."""
        if not self.trails:
            return self
        if self.ticks == 0 and self.begins and (ticks > self.begins if self.rises else ticks < self.begins):
            return self
        distance = self.trail or share(ticks, self.rate)
        follows = ticks + distance if self.rises else max(1, ticks - distance)
        if self.ticks == 0 or (follows < self.ticks if self.rises else follows > self.ticks):
            return self._replace(ticks=follows)
        return self


@dataclass(frozen=True, slots=True)
class Request:
    """What an account asks for.

    Attributes:
        symbol: of the contract.
        sign: +1 buy, -1 sell.
        lots: quantity; 0 with ``reduce_only`` closes the whole position.
        ticks: limit; None for a market order.
        force: how long it stays; a market order is immediate-or-cancel.
        side: 0 one way; +1 or -1 the long or short side of a hedged pair.
        reduce_only: never makes the position larger.
        link: the account's own name for it; empty for none.
        trigger: None for an order that works at once.
        whole: with ``trigger`` and ``reduce_only``: closes what is held when it is set off.
        self_trade: what becomes of it and of an order of its own account that it meets when it arrives.
    """

    symbol: str
    sign: int
    lots: int
    ticks: int | None = None
    force: Force = Force.GTC
    side: int = 0
    reduce_only: bool = False
    link: str = ""
    trigger: Trigger | None = None
    whole: bool = False
    self_trade: SelfTrade = SelfTrade.CANCEL_MAKER


@dataclass(slots=True)
class Order:
    """An order and what has become of it.

    Attributes:
        number: 1, 2, ... in the order of acceptance.
        account: number of its owner.
        contract: what it is for.
        request: as asked for, or amended.
        created_ms, updated_ms: market time.
        status, why: where it is, and why it ended.
        filled: lots.
        value: of what was filled, units of the settlement coin.
        fee: paid for it, units.
        bound: what it holds back of its account, units.
        met: number of the order of its own account for which it was cancelled (`Why.SELF_TRADE`); 0 for none.
    """

    number: int
    account: int
    contract: Contract
    request: Request
    created_ms: int
    updated_ms: int
    status: Status
    why: Why | None = None
    filled: int = 0
    value: int = 0
    fee: int = 0
    bound: int = 0
    met: int = 0

    @property
    def left(self) -> int:
        """Return the lots that are not filled."""
        return self.request.lots - self.filled

    @property
    def is_open(self) -> bool:
        """Tell whether it may still fill."""
        return self.status in OPEN

    def go(self, status: Status, now_ms: int, why: Why | None = None) -> None:
        """Move on in its life; a step that the table does not have is a mistake of the exchange."""
        assert status in TRANSITIONS[self.status], (self.status, status)
        self.status, self.why, self.updated_ms = status, why, now_ms
