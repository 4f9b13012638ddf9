"""What the venue does to positions by itself: funding, and taking over what is not backed any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.exchange.core.contract import Contract, share
from real_trade.exchange.core.events import Executed
from real_trade.exchange.core.margin import available, totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.core.account import Account, Position
    from real_trade.exchange.core.events import EventLog
    from real_trade.exchange.core.margin import Mark


class Settlement:
    """Settles positions at their mark prices.

    Args:
        accounts: by number.
        mark: the mark price of a contract.
        number_trade: gives trades their numbers.
        log: takes what was settled.

    Attributes:
        insurance: what liquidations have brought the venue, and cost it, units of each coin.
    """

    def __init__(
        self, accounts: dict[int, Account], mark: Mark, number_trade: Callable[[], int], log: EventLog
    ) -> None:
        self._accounts, self._mark, self._number_trade, self._log = accounts, mark, number_trade, log
        self.insurance: dict[str, int] = {}

    def pay_funding(self, contract: Contract, rate: int, now_ms: int) -> None:
        """Charge funding on every position in a contract: its value at the mark price times a rate of 1e-9."""
        mark = self._mark(contract)
        for account in self._accounts.values():
            for position in account.positions.values():
                if position.contract is not contract or position.lots == 0:
                    continue
                amount = share(contract.value(position.lots, mark), rate)
                amount = amount if position.lots > 0 else -amount
                account.pay_funding(contract.settle, amount)
                sign = 1 if position.lots > 0 else -1
                self._log.add(
                    Executed(
                        now_ms, account.number, 0, contract.symbol, "funding", sign, abs(position.lots), mark, amount,
                        contract.settle, 0, maker=False, trade=0, balance=account.wallet[contract.settle],
                    )
                )  # fmt: skip

    def take_over(self, account: Account, position: Position, lots: int, kind: str, now_ms: int) -> int:
        """Close so many lots of a position at the mark price; return the change of the wallet, units.

        Args:
            account, position, lots: whose, which, how many.
            kind: liquidation, adl or delivery; the first costs the taker's fee, as far as there is something left.
            now_ms: time.
        """
        contract, sign = position.contract, -1 if position.lots > 0 else 1
        mark = self._mark(contract)
        number = self._number_trade()
        profit = position.fill(sign * lots, mark)
        account.realise(contract.settle, profit)
        left = max(0, account.wallet.get(contract.settle, 0))
        rate = account.rate(contract, maker=False) if kind == "liquidation" else 0
        fee = min(share(contract.value(lots, mark), rate), left)
        account.pay_fee(contract.settle, fee)
        if fee:
            self.insurance[contract.settle] = self.insurance.get(contract.settle, 0) + fee
        self._log.add(
            Executed(
                now_ms, account.number, 0, contract.symbol, kind, sign, lots, mark, fee, contract.settle,
                profit, maker=False, trade=number, balance=account.wallet[contract.settle],
            )
        )  # fmt: skip
        return profit - fee

    def lost(self, account: Account, coin: str) -> list[Position]:
        """Return the positions that an account, or each by itself where it is isolated, cannot back any more."""
        held = [p for p in account.positions.values() if p.lots and p.contract.settle == coin]
        if not held:
            return []
        if account.isolated:
            return [position for position in held if self._is_lost(account, position)]
        equity, needed = totals(account, coin, self._mark)
        return held if equity <= needed else []

    def liquidate(self, account: Account, coin: str, positions: list[Position], now_ms: int) -> None:
        """Take positions over; what they cost beyond their margin is the venue's loss."""
        for position in positions:
            owned = position.backing if account.isolated else None
            paid = self.take_over(account, position, abs(position.lots), "liquidation", now_ms)
            if owned is not None and -paid > owned:
                self._cover(account, coin, -paid - owned)
        missing = min(0, account.wallet.get(coin, 0))
        if missing < 0 and not any(p.lots for p in account.positions.values() if p.contract.settle == coin):
            self._cover(account, coin, -missing)

    def is_bankrupt(self, position: Position) -> bool:
        """Tell whether an isolated position's own margin does not reach for its maintenance any more."""
        mark = self._mark(position.contract)
        return position.backing + position.profit(mark) <= position.maintenance(mark)

    def _is_lost(self, owner: Account, position: Position) -> bool:
        """Tell whether an isolated position is not backed any more, even by what it may take of its account's coin.

        It takes as much as brings its margin back to what opening it would take now.
        """
        if position.refills and self.is_bankrupt(position):
            mark = self._mark(position.contract)
            missing = position.initial_margin(mark) - position.backing - position.profit(mark)
            position.extra += max(0, min(missing, available(owner, position.contract.settle, self._mark)))
        return self.is_bankrupt(position)

    def _cover(self, account: Account, coin: str, units: int) -> None:
        """Let the venue bear a loss."""
        account.realise(coin, units)
        self.insurance[coin] = self.insurance.get(coin, 0) - units
