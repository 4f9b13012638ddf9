"""What an account has chosen at Binance's futures, symbol by symbol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.exchange.binance.calls import Call, choice, flag, given, number, whole
from real_trade.exchange.binance.refusals import Refusal, missing, refusal_of
from real_trade.exchange.core.contract import UNIT
from real_trade.exchange.core.orders import Refused, Why
from real_trade.model import Market

if TYPE_CHECKING:
    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.users import Users
    from real_trade.exchange.core.contract import Contract
    from real_trade.exchange.world import Listing, World

# The venue writes the S in a circle.
_FUTURES = "USD\u24c8-M Futures"
_OK = {"code": 200, "msg": "success"}


class Settings:
    """Leverage, margin type, position mode.

    Args:
        directory: what is listed.
        world: the exchange.
        users: are told of a change.
    """

    def __init__(self, directory: Directory, world: World, users: Users) -> None:
        self._directory, self._world, self._users = directory, world, users
        self._exchange = world.exchange
        self._isolated: set[tuple[int, str]] = set()
        # What was added to isolated positions, and taken from them, newest last.
        self._changes: list[tuple[int, dict[str, Any]]] = []

    def is_isolated(self, account: int, symbol: str) -> bool:
        """Tell whether an account's position in a symbol of the core is backed by its own margin only."""
        return (account, symbol) in self._isolated

    def leverage(self, account: int, contract: Contract) -> int:
        """Return the leverage of a symbol."""
        owner = self._exchange.accounts[account]
        return owner.position(contract, 1 if contract.symbol in owner.hedged else 0).leverage

    def largest_value(self, contract: Contract, leverage: int) -> int:
        """Return the largest value of a position at a leverage, units."""
        return max((tier.cap for tier in contract.tiers if tier.leverage >= leverage), default=0)

    # Requests

    def set_leverage(self, call: Call) -> dict[str, Any]:
        """Choose the leverage of a symbol."""
        listing, leverage = self._directory.listing(call), whole(call.params, "leverage")
        if leverage is None:
            raise missing("leverage")
        contract = listing.contract
        if not 1 <= leverage <= contract.tiers[0].leverage:
            raise Refusal(-4028, f"Leverage {leverage} is not valid")
        try:
            self._exchange.set_leverage(call.account, listing.name, leverage)
        except Refused as refused:
            if refused.why is not Why.NO_CHANGE:
                raise refusal_of(refused.why, call.market) from None
        now, symbol = self._world.now_ms, listing.instrument.symbol
        self._users.tell(
            call.account,
            {"e": "ACCOUNT_CONFIG_UPDATE", "E": now, "T": now, "ac": {"s": symbol, "l": leverage}},
        )
        most = self.largest_value(contract, leverage) * UNIT
        name = "maxQty" if call.market is Market.INVERSE else "maxNotionalValue"
        return {"symbol": symbol, "leverage": leverage, name: f"{most:.0f}"}

    def set_margin_type(self, call: Call) -> dict[str, Any]:
        """Back a symbol's position by its own margin, or by all there is."""
        listing = self._directory.listing(call)
        isolated = choice(call, "marginType", ("ISOLATED", "CROSSED")) == "ISOLATED"
        if isolated == self.is_isolated(call.account, listing.name):
            raise Refusal(-4046, "No need to change margin type.")
        if any(order.contract is listing.contract for order in self._exchange.open_orders(call.account)):
            raise Refusal(-4047, "Margin type cannot be changed if there exists open orders.")
        if self._is_held(call.account, listing.contract):
            raise Refusal(-4048, "Margin type cannot be changed if there exists position.")
        self._isolated ^= {(call.account, listing.name)}
        # The core knows one margin mode for a whole account.
        owner = self._exchange.accounts[call.account]
        owner.isolated = any(number == call.account for number, _ in self._isolated)
        return dict(_OK)

    def position_mode(self, call: Call) -> dict[str, bool]:
        """Tell whether long and short are kept apart."""
        return {"dualSidePosition": bool(self._exchange.accounts[call.account].hedged)}

    def set_position_mode(self, call: Call) -> dict[str, Any]:
        """Keep long and short apart in all symbols, or together."""
        if not given(call, "dualSidePosition"):
            raise missing("dualSidePosition")
        hedged = flag(call, "dualSidePosition")
        owner = self._exchange.accounts[call.account]
        if hedged == bool(owner.hedged):
            raise Refusal(-4059, "No need to change position side.")
        listings = self._of(call.market)
        if self._exchange.open_orders(call.account):
            raise refusal_of(Why.HAS_ORDERS, call.market)
        if any(self._is_held(call.account, listing.contract) for listing in listings):
            raise refusal_of(Why.HAS_POSITION, call.market)
        for listing in listings:
            self._exchange.hedge(call.account, listing.name, hedged)
        return dict(_OK)

    def multi_assets(self, call: Call) -> dict[str, bool]:
        """Tell that each coin backs its own positions only."""
        del call
        return {"multiAssetsMargin": False}

    def set_multi_assets(self, call: Call) -> dict[str, Any]:
        """Refuse to let coins back each other's positions; that they do not is no change."""
        if flag(call, "multiAssetsMargin"):
            raise Refusal(-4169, f"Unable to adjust Multi-Assets Mode with insufficient margin balance in {_FUTURES}.")
        raise Refusal(-4171, "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.")

    def add_margin(self, call: Call) -> dict[str, Any]:
        """Add margin to an isolated position (type 1), or take some back (type 2)."""
        listing, kind = self._directory.listing(call), choice(call, "type", ("1", "2"))
        which = {"BOTH": 0, "LONG": 1, "SHORT": -1}[choice(call, "positionSide", ("BOTH", "LONG", "SHORT"), "BOTH")]
        value = number(call, "amount")
        owner = self._exchange.accounts[call.account]
        if not self.is_isolated(call.account, listing.name):
            raise Refusal(-4049, "Add margin only support for isolated position.")
        if value == 0:
            raise Refusal(-4055, "Amount must be positive.")
        position = owner.position(listing.contract, which)
        units = int(value / UNIT) * (1 if kind == "1" else -1)
        try:
            self._exchange.add_margin(call.account, position, units)
        except Refused as refused:
            code = (-2019, "Margin is insufficient.") if kind == "1" else (-4051, "Isolated balance insufficient.")
            if refused.why is Why.NO_CHANGE:
                code = (-4054, "Cannot add position margin: position is 0.")
            raise Refusal(*code) from None
        side = {0: "BOTH", 1: "LONG", -1: "SHORT"}[which]
        row = {
            "symbol": listing.instrument.symbol,
            "type": int(kind),
            "deltaType": "USER_ADJUST",
            "amount": f"{value:.8f}",
            "asset": listing.contract.settle,
            "time": self._world.now_ms,
            "positionSide": side,
        }
        self._changes.append((call.account, row))
        return {"amount": float(value), "code": 200, "msg": "Successfully modify position margin.", "type": int(kind)}

    def margin_history(self, call: Call) -> list[dict[str, Any]]:
        """Return what was added to isolated positions of a symbol."""
        symbol = self._directory.listing(call).instrument.symbol
        return [row for account, row in self._changes if account == call.account and row["symbol"] == symbol]

    def symbol_settings(self, call: Call) -> list[dict[str, Any]]:
        """Return margin type and leverage of symbols."""
        rows = []
        for listing in self._directory.listings(call):
            leverage = self.leverage(call.account, listing.contract)
            rows.append(
                {
                    "symbol": listing.instrument.symbol,
                    "marginType": "ISOLATED" if self.is_isolated(call.account, listing.name) else "CROSSED",
                    "isAutoAddMargin": False,
                    "leverage": leverage,
                    "maxNotionalValue": f"{self.largest_value(listing.contract, leverage) * UNIT:.0f}",
                }
            )
        return rows

    def _of(self, market: Market) -> list[Listing]:
        return [listing for (which, _), listing in self._world.listings.items() if which is market]

    def _is_held(self, account: int, contract: Contract) -> bool:
        owner = self._exchange.accounts[account]
        return any(owner.position(contract, side).lots for side in (0, 1, -1))
