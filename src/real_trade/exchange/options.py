"""What an exchange process is told when it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from real_trade.exchange.limits import Rate
from real_trade.exchange.members import DEFAULT, Member
from real_trade.model import InputError, SafetyRefusal, parse_time
from real_trade.model.fees import FEE_TIERS

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.exchange.faults import FaultPlan

VENUES: Final = ("binance", "bybit")
MINUTE_MS: Final = 60_000
HISTORY_MS: Final = 30 * 86_400_000
DEFAULT_FROM: Final = "2024-01-01"
DEFAULT_TO: Final = "2024-04-01"
DEFAULT_SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "BTCUSD")


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """How to run a history server.

    Attributes:
        venue: ``bybit`` or ``binance``.
        host: a loopback address.
        port: 0 takes a free one.
        data: folder of the store to replay; None for a rehearsal market.
        seed: of the rehearsal market.
        from_ms, to_ms: its span, on whole minutes.
        symbols: what it lists.
        start_ms: market time at the start; None for the end of the data.
        speed: market seconds per second; infinite for as fast as it goes.
        server_time: ``wall`` or ``market``: what the venue's own clock says.
        accounts: who may trade.
        rate_limit: None for the venue's own, else units per seconds; ``Rate(None, ...)`` for no limit.
        ban_s: length of a ban.
        faults: what may go wrong.
        fault_seed: decides when it does.
        log: file that gets one JSON line per request and fault.
        admin_port: of the keeper's door; None keeps it shut.
        allow_remote: the host may be an address that others can reach.
    """

    venue: str
    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    seed: int = 1
    from_ms: int = parse_time(DEFAULT_FROM)
    to_ms: int = parse_time(DEFAULT_TO)
    symbols: tuple[str, ...] = DEFAULT_SYMBOLS
    start_ms: int | None = None
    speed: float = 1.0
    server_time: str = "wall"
    accounts: tuple[Member, ...] = (DEFAULT,)
    rate_limit: Rate | None = None
    ban_s: float = 600.0
    faults: tuple[FaultPlan, ...] = ()
    fault_seed: int = 0
    log: Path | None = None
    admin_port: int | None = None
    allow_remote: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be served."""
        if self.venue not in VENUES:
            raise _bad("venue", self.venue, f"Use one of {', '.join(VENUES)}.")
        if not self.allow_remote and not _is_loopback(self.host):
            raise SafetyRefusal(
                f"The exchange does not listen on {self.host}.",
                code="not_loopback",
                field="host",
                value=self.host,
                fix="It is a rehearsal for this machine only: use 127.0.0.1, or say --allow-remote.",
            )
        for name, port in (("port", self.port), ("admin-port", self.admin_port or 0)):
            if not 0 <= port <= 65_535:
                raise _bad(name, port, "Use 0 for a free one, or a number up to 65535.")
        self._check_market()
        self._check_tiers()

    def _check_tiers(self) -> None:
        known = {tier for (venue, _), tiers in FEE_TIERS.items() if venue == self.venue for tier in tiers}
        for member in self.accounts:
            if member.tier and member.tier not in known:
                raise _bad(
                    "account", member.tier, f"Of the fee tiers of {self.venue} there are {', '.join(sorted(known))}."
                )

    def _check_market(self) -> None:
        if self.from_ms % MINUTE_MS or self.to_ms % MINUTE_MS:
            raise _bad("from", self.from_ms, "Begin and end on whole minutes.")
        if self.to_ms <= self.from_ms:
            raise _bad("to", self.to_ms, "The span ends after it begins.")
        if self.seed < 0:
            raise _bad("seed", self.seed, "Use a whole number from 0 on.")
        if not (0.0 <= self.speed <= 100_000.0 or self.speed == float("inf")):
            raise _bad("speed", self.speed, "Use 0 to stand still, 1 for real time, up to 100000, or max.")
        if len({member.key for member in self.accounts}) < len(self.accounts):
            raise _bad("account", self.accounts[0].key, "Give each account a key of its own.")
        if not 0.0 <= self.ban_s < float("inf"):
            raise _bad("ban-seconds", self.ban_s, "Use a number of seconds from 0 on.")


def parse_rate_limit(text: str) -> Rate | None:
    """Read ``documented`` (the venue's own limit), ``off``, or ``N/S``: N units within S seconds.

    Raises:
        InputError: none of these.
    """
    if text == "documented":
        return None
    if text == "off":
        return Rate(None, 60.0)
    units, _, seconds = text.partition("/")
    try:
        rate = Rate(int(units), float(seconds))
    except ValueError:
        rate = Rate(0, 0.0)
    if not rate.units or rate.units < 0 or not 0.001 <= rate.seconds < 86_400:
        raise _bad("rate-limit", text, "Use documented, off, or such as 600/5: so many within so many seconds.")
    return rate


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bad(field: str, value: object, fix: str) -> InputError:
    return InputError(f"{field} {value!r} cannot be used.", code="bad_option", field=field, value=value, fix=fix)
