"""Who may trade here: keys, their secrets, their accounts, what they start with."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from real_trade.model import InputError


@dataclass(frozen=True, slots=True)
class Member:
    """A key, and what its account starts with.

    Attributes:
        key, secret: for signatures; they protect nothing but a rehearsal. At Binance the secret may be the public key
            of who signs by Ed25519.
        wallet: amount of each coin at the start.
        tier: of the venue's fees, such as ``vip1``; empty for what everybody pays.
    """

    key: str
    secret: str = field(repr=False)
    wallet: dict[str, Decimal]
    tier: str = ""

    @classmethod
    def parse(cls, text: str) -> Member:
        """Read ``KEY:SECRET:USDT=100000,BTC=1``, with a fee tier behind another colon or without.

        Raises:
            InputError: it does not look like that.
        """
        key, _, rest = text.partition(":")
        secret, _, rest = rest.partition(":")
        amounts, _, tier = rest.partition(":")
        try:
            pairs = [part.partition("=") for part in amounts.split(",") if part]
            wallet = {coin.strip().upper(): Decimal(amount) for coin, _, amount in pairs}
            fits = all(amount.is_finite() and 0 <= amount < 10**12 for amount in wallet.values())
        except InvalidOperation:
            wallet, fits = {}, False
        if not key or not secret or not wallet or not fits or not all(wallet):
            raise InputError(
                "An account is not spelled like one.",
                code="bad_account",
                field="account",
                value=key,
                fix="Write KEY:SECRET:USDT=100000,BTC=1, perhaps with :vip1 behind it.",
            )
        return cls(key, secret, wallet, tier.strip().lower())


DEFAULT = Member("key", "secret", {"USDT": Decimal(100_000)})
