"""An account at Binance's futures: balances, positions, brackets, income."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, choice, given, page_size, span_of
from real_trade.exchange.binance.directory import pair_of
from real_trade.exchange.binance.positions import asset_row, risk_row
from real_trade.exchange.binance.spelling import amount, plain_rate, position_side
from real_trade.exchange.core.contract import RATE_SCALE, UNIT
from real_trade.exchange.world import name_of
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Iterable

    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.records import Fill, Records
    from real_trade.exchange.binance.settings import Settings
    from real_trade.exchange.core.account import Account, Position
    from real_trade.exchange.world import Listing, World

_RISK: Final = {
    "v2/positionRisk": (
        *("entryPrice", "breakEvenPrice", "marginType", "isAutoAddMargin", "isolatedMargin", "leverage"),
        *("liquidationPrice", "markPrice", "maxNotionalValue", "positionAmt", "notional", "isolatedWallet", "symbol"),
        *("unRealizedProfit", "positionSide", "updateTime"),
    ),
    "v3/positionRisk": (
        *("symbol", "positionSide", "positionAmt", "entryPrice", "breakEvenPrice", "markPrice", "unRealizedProfit"),
        *("liquidationPrice", "isolatedMargin", "notional", "marginAsset", "isolatedWallet", "initialMargin"),
        *("maintMargin", "positionInitialMargin", "openOrderInitialMargin", "adl", "bidNotional", "askNotional"),
        "updateTime",
    ),
    "positionRisk": (
        *("symbol", "positionAmt", "entryPrice", "breakEvenPrice", "markPrice", "unRealizedProfit"),
        *("liquidationPrice", "leverage", "maxQty", "marginType", "isolatedMargin", "isAutoAddMargin"),
        *("positionSide", "notionalValue", "isolatedWallet", "updateTime"),
    ),
}
_OLD_POSITION: Final = (
    *("symbol", "initialMargin", "maintMargin", "positionInitialMargin", "openOrderInitialMargin", "leverage"),
    *("entryPrice", "breakEvenPrice", "bidNotional", "askNotional", "positionSide", "positionAmt", "notional"),
    *("isolatedWallet", "updateTime"),
)
_NEW_POSITION: Final = (
    *("symbol", "positionSide", "positionAmt", "isolatedMargin", "notional", "isolatedWallet", "initialMargin"),
    *("maintMargin", "updateTime"),
)
_COIN_POSITION: Final = (
    *("symbol", "positionAmt", "initialMargin", "maintMargin", "positionInitialMargin", "openOrderInitialMargin"),
    *("leverage", "positionSide", "entryPrice", "breakEvenPrice", "maxQty", "isolatedWallet", "notionalValue"),
    "updateTime",
)
_BALANCE: Final = ("crossWalletBalance", "crossUnPnl", "availableBalance", "maxWithdrawAmount", "marginAvailable")
_TOTALS: Final = {
    "totalInitialMargin": "initialMargin",
    "totalMaintMargin": "maintMargin",
    "totalWalletBalance": "walletBalance",
    "totalUnrealizedProfit": "unrealizedProfit",
    "totalMarginBalance": "marginBalance",
    "totalPositionInitialMargin": "positionInitialMargin",
    "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    "totalCrossWalletBalance": "crossWalletBalance",
    "totalCrossUnPnl": "crossUnPnl",
    "availableBalance": "availableBalance",
    "maxWithdrawAmount": "maxWithdrawAmount",
}
# What the venue calls it when it closes a position.
_CLOSES: Final = {"": ("liquidation", "adl"), "LIQUIDATION": ("liquidation",), "ADL": ("adl",)}
# Coins that the sums of an account in dollars are made of.
_DOLLARS: Final = frozenset({"USDT", "USDC"})


class FuturesAccount:
    """What an account may ask, orders and settings aside.

    Args:
        directory: what is listed.
        world: the exchange.
        records: history.
        settings: what the account has chosen.
    """

    def __init__(self, directory: Directory, world: World, records: Records, settings: Settings) -> None:
        self._directory, self._world, self._records, self._settings = directory, world, records, settings
        self._exchange = world.exchange

    # Balances

    def balance(self, call: Call) -> list[dict[str, Any]]:
        """Return what the account holds of each coin."""
        rows = []
        for asset in self._assets(call):
            row = {"accountAlias": "SgsR", "asset": asset["asset"], "balance": asset["walletBalance"]}
            if call.market is Market.INVERSE:
                row["withdrawAvailable"] = asset["maxWithdrawAmount"]
            row |= {name: asset[name] for name in _BALANCE}
            if call.market is Market.INVERSE:
                del row["maxWithdrawAmount"], row["marginAvailable"]
            rows.append(row | {"updateTime": asset["updateTime"]})
        return rows

    def account(self, call: Call) -> dict[str, Any]:
        """Return balances and positions."""
        assets = self._assets(call)
        if call.market is Market.INVERSE:
            for asset in assets:
                del asset["marginAvailable"]
            return {
                "assets": assets,
                "positions": [_position(row, _COIN_POSITION) for row in self._risks(call, idle=True)],
                "canDeposit": True,
                "canTrade": True,
                "canWithdraw": True,
                "feeTier": 0,
                "updateTime": 0,
            }
        newest = call.name.startswith("v3/")
        if newest:
            for asset in assets:
                del asset["marginAvailable"]
        sums = {
            name: f"{sum((Decimal(a[part]) for a in assets if a['asset'] in _DOLLARS), Decimal(0)):.8f}"
            for name, part in _TOTALS.items()
        }
        rows = self._risks(call, idle=not newest)
        positions = [_position(row, _NEW_POSITION if newest else _OLD_POSITION) for row in rows]
        if newest:
            return sums | {"assets": assets, "positions": positions}
        return {
            "feeTier": 0,
            "feeBurn": False,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": False,
            "tradeGroupId": -1,
            **sums,
            "assets": assets,
            "positions": positions,
        }

    def config(self, call: Call) -> dict[str, Any]:
        """Return the account's settings."""
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "dualSidePosition": bool(self._exchange.accounts[call.account].hedged),
            "updateTime": 0,
            "multiAssetsMargin": False,
            "tradeGroupId": -1,
        }

    def _assets(self, call: Call) -> list[dict[str, Any]]:
        account = self._exchange.accounts[call.account]
        coins = sorted(set(account.wallet) | {i.settle for i in self._directory.of(call.market)})
        return [asset_row(self._exchange, account, coin, self._world.now_ms) for coin in coins]

    # Positions

    def positions(self, call: Call) -> list[dict[str, Any]]:
        """Return positions; the newest version leaves out what is flat and has no orders."""
        names = _RISK[call.name]
        idle = not call.name.startswith("v3/")
        return [{name: row[name] for name in names} for row in self._risks(call, idle=idle)]

    def _risks(self, call: Call, *, idle: bool) -> list[dict[str, Any]]:
        """Return all that is told of each position."""
        account = self._exchange.accounts[call.account]
        rows = []
        for listing in self._directory.listings(call):
            for position in self._held(account, listing):
                updated = self._updated(call.account, position)
                row = risk_row(self._world, self._settings, account, position, updated)
                if idle or position.lots or Decimal(row["openOrderInitialMargin"]):
                    rows.append(row)
        return rows

    @staticmethod
    def _held(account: Account, listing: Listing) -> Iterable[Position]:
        sides = (0, 1, -1) if listing.contract.symbol in account.hedged else (0,)
        return (account.position(listing.contract, side) for side in sides)

    def _updated(self, account: int, position: Position) -> int:
        for fill in reversed(self._records.fills[account]):
            if fill.event.symbol == position.contract.symbol:
                return fill.event.time_ms
        return 0

    # What holds for a symbol

    def brackets(self, call: Call) -> list[dict[str, Any]]:
        """Return the risk ladders."""
        by_pair = call.market is Market.INVERSE and not call.name.startswith("v2/")
        cap, floor = ("qtyCap", "qtyFloor") if call.market is Market.INVERSE else ("notionalCap", "notionalFloor")
        rows = []
        for listing in self._directory.listings(call):
            steps, below = [], 0
            for number, tier in enumerate(listing.contract.tiers, start=1):
                steps.append(
                    {
                        "bracket": number,
                        "initialLeverage": tier.leverage,
                        cap: int(tier.cap * UNIT),
                        floor: below,
                        "maintMarginRatio": tier.rate / RATE_SCALE,
                        "cum": float(tier.deduction * UNIT),
                    }
                )
                below = int(tier.cap * UNIT)
            instrument = listing.instrument
            head = {"pair": pair_of(instrument)} if by_pair else {"symbol": instrument.symbol}
            if call.market is Market.LINEAR:
                head["notionalCoef"] = 1.0  # type: ignore[assignment]
            rows.append(head | {"brackets": steps})
        return rows

    def commission(self, call: Call) -> dict[str, str]:
        """Return the rates of a symbol."""
        contract = self._exchange.contracts[name_of(self._directory.charged_as(call))]
        account = self._exchange.accounts[call.account]
        row = {
            "symbol": call.params["symbol"],
            "makerCommissionRate": plain_rate(account.rate(contract, maker=True)),
            "takerCommissionRate": plain_rate(account.rate(contract, maker=False)),
        }
        return row | ({"rpiCommissionRate": "0.00000"} if call.market is Market.LINEAR else {})

    def income(self, call: Call) -> list[dict[str, Any]]:
        """Return every change of a balance, oldest first."""
        start, end = span_of(call)
        limit, kind = page_size(call, 100, 1_000), call.params.get("incomeType", "")
        wanted = call.params.get("symbol", "")
        if wanted:
            self._directory.contract(call)
        rows = []
        for fill in self._records.fills[call.account]:
            symbol = self._world.listing(fill.event.symbol).instrument.symbol
            if not start <= fill.event.time_ms <= end or wanted not in {"", symbol}:
                continue
            rows += [row for row in _incomes(fill, symbol) if kind in {"", row["incomeType"]}]
        return rows[:limit] if "startTime" in call.params else rows[-limit:]

    def force_orders(self, call: Call) -> list[dict[str, Any]]:
        """Return what the venue closed, oldest first."""
        limit, (start, end) = page_size(call, 50, 100), span_of(call)
        contract = self._directory.contract(call) if given(call, "symbol") else None
        wanted = _CLOSES[choice(call, "autoCloseType", tuple(_CLOSES), "")]
        rows: list[dict[str, Any]] = []
        for fill in self._records.fills[call.account]:
            event = fill.event
            if event.kind not in wanted or not start <= event.time_ms <= end:
                continue
            if contract is not None and event.symbol != contract.symbol:
                continue
            listing = self._world.listing(event.symbol)
            contract, symbol = listing.contract, listing.instrument.symbol
            price, lots = f"{event.ticks * contract.tick:f}", f"{event.lots * contract.step:f}"
            rows.append(
                {
                    "orderId": event.trade,
                    "symbol": symbol,
                    "pair": pair_of(listing.instrument),
                    "status": "FILLED",
                    "clientOrderId": f"autoclose-{event.trade}",
                    "price": price,
                    "avgPrice": price,
                    "origQty": lots,
                    "executedQty": lots,
                    "cumQuote" if call.market is Market.LINEAR else "cumBase": amount(
                        contract.value(event.lots, event.ticks)
                    ),
                    "timeInForce": "IOC",
                    "type": "LIMIT",
                    "reduceOnly": False,
                    "closePosition": False,
                    "side": "BUY" if event.sign > 0 else "SELL",
                    "positionSide": "BOTH",
                    "stopPrice": "0",
                    "workingType": "CONTRACT_PRICE",
                    "origType": "LIMIT",
                    "time": event.time_ms,
                    "updateTime": event.time_ms,
                }
            )
        return rows[-limit:]

    def adl_quantiles(self, call: Call) -> list[dict[str, Any]] | dict[str, Any]:
        """Return how far in front positions are in the queue of those that would be reduced: 0 to 4."""
        account = self._exchange.accounts[call.account]
        rows: list[dict[str, Any]] = []
        for listing in self._directory.listings(call):
            hedged = listing.contract.symbol in account.hedged
            places = {position_side(p.side): self._quantile(p) for p in self._held(account, listing)}
            whole_ones = {"LONG": 0, "SHORT": 0, "HEDGE": 0} if hedged else {"LONG": 0, "SHORT": 0, "BOTH": 0}
            found = {name: places.get(name, 0) for name in whole_ones}
            rows.append({"symbol": listing.instrument.symbol, "adlQuantile": found})
        return rows[0] if given(call, "symbol") and rows else rows

    def _quantile(self, position: Position) -> int:
        """Return a position's place: by its profit and leverage, as a part of what it needs."""
        if position.lots == 0:
            return 0
        mark = self._exchange.mark(position.contract)
        profit, needed = position.profit(mark), position.initial_margin(mark)
        return 0 if profit <= 0 else min(4, 1 + 4 * profit // needed)

    def trading_status(self, call: Call) -> dict[str, Any]:
        """Tell that no rule about how the account trades is broken."""
        del call
        return {"indicators": {}, "updateTime": self._world.now_ms}

    def fee_burn(self, call: Call) -> dict[str, bool]:
        """Tell that fees are not paid in the venue's own coin."""
        del call
        return {"feeBurn": False}


def _incomes(fill: Fill, symbol: str) -> list[dict[str, Any]]:
    event = fill.event
    found = [("FUNDING_FEE", -event.fee)] if event.kind == "funding" else [("COMMISSION", -event.fee)]
    if event.profit:
        found.insert(0, ("REALIZED_PNL" if event.kind == "trade" else "INSURANCE_CLEAR", event.profit))
    return [
        {
            "symbol": symbol,
            "incomeType": kind,
            "income": amount(units),
            "asset": event.coin,
            "info": str(fill.trade) if fill.trade else kind,
            "time": event.time_ms,
            "tranId": 1_000_000 + 10 * fill.number + place,
            "tradeId": str(fill.trade) if fill.trade else "",
        }
        for place, (kind, units) in enumerate(found)
    ]


def _position(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return some of what is told of a position, under the names of the account's endpoints."""
    kept = {name: row[name] for name in names} | {"unrealizedProfit": row["unRealizedProfit"]}
    if names is _NEW_POSITION:
        return kept
    kept["isolated"] = row["marginType"] == "isolated"
    return kept | ({"maxNotional": row["maxNotionalValue"]} if names is _OLD_POSITION else {})
