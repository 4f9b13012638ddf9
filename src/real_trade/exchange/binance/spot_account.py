"""An account at Binance's spot market, and what the wallet's endpoints tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.exchange.binance.calls import Call, flag
from real_trade.exchange.binance.listing import spot_filters
from real_trade.exchange.binance.spelling import plain_rate
from real_trade.exchange.binance.spot_rows import balances, commission_row
from real_trade.exchange.core.contract import RATE_SCALE
from real_trade.exchange.world import name_of
from real_trade.model import Market

if TYPE_CHECKING:
    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.limits import OrderCounts
    from real_trade.exchange.world import World
    from real_trade.model import Clock

_FIRST_UID = 354_937_000


class SpotAccount:
    """What an account may ask, orders aside.

    Args:
        directory: what is listed.
        world: the exchange.
        counts: how many orders were placed.
        clock: the venue's own.
    """

    def __init__(self, directory: Directory, world: World, counts: OrderCounts, clock: Clock) -> None:
        self._directory, self._world, self._counts, self._clock = directory, world, counts, clock

    def account(self, call: Call) -> dict[str, Any]:
        """Return balances and commissions."""
        account = self._world.exchange.accounts[call.account]
        contracts = [listing.contract for listing in self._world.listings.values() if listing.contract.kind == "spot"]
        maker, taker = (
            max((account.rate(contract, maker=maker) for contract in contracts), default=0) for maker in (True, False)
        )
        coins = sorted(account.wallet)
        if flag(call, "omitZeroBalances"):
            coins = [coin for coin in coins if account.wallet[coin]]
        return {
            "makerCommission": maker * 10_000 // RATE_SCALE,
            "takerCommission": taker * 10_000 // RATE_SCALE,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": f"{maker / RATE_SCALE:.8f}",
                "taker": f"{taker / RATE_SCALE:.8f}",
                "buyer": "0.00000000",
                "seller": "0.00000000",
            },
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self._world.now_ms,
            "accountType": "SPOT",
            "balances": balances(account, coins, ("asset", "free", "locked")),
            "permissions": ["SPOT"],
            "uid": _FIRST_UID + call.account,
        }

    def commission(self, call: Call) -> dict[str, Any]:
        """Return the rates of a symbol."""
        listing = self._directory.listing(call)
        return {"symbol": listing.instrument.symbol} | commission_row(
            self._world.exchange.accounts[call.account], listing.contract
        )

    def filters(self, call: Call) -> dict[str, Any]:
        """Return what orders of a symbol must keep to; nothing limits the account as a whole, or one of its coins."""
        instrument = self._directory.one(call)
        return {"exchangeFilters": [], "symbolFilters": spot_filters(instrument), "assetFilters": []}

    def order_counts(self, call: Call) -> list[dict[str, Any]]:
        """Return how many orders were placed."""
        return self._counts.rows(call.market, call.account)

    # The wallet's endpoints

    def coins(self, call: Call) -> list[dict[str, Any]]:
        """Return every coin, what the account holds of it, and how it could be moved."""
        account = self._world.exchange.accounts[call.account]
        listed = {coin for market in Market for i in self._directory.of(market) for coin in (i.base, i.quote)}
        rows = []
        for coin in sorted(listed | set(account.wallet)):
            (row,) = balances(account, (coin,), ("coin", "free", "locked"))
            rows.append(
                {
                    **row,
                    "name": coin,
                    "depositAllEnable": True,
                    "withdrawAllEnable": True,
                    "freeze": "0",
                    "ipoable": "0",
                    "ipoing": "0",
                    "isLegalMoney": coin == "USD",
                    "storage": "0",
                    "trading": True,
                    "withdrawing": "0",
                    "networkList": [_network(coin)],
                }
            )
        return rows

    def fees(self, call: Call) -> list[dict[str, str]]:
        """Return the rates of one symbol, or of all."""
        account, contracts = self._world.exchange.accounts[call.account], self._world.exchange.contracts
        return [
            {
                "symbol": instrument.symbol,
                "makerCommission": plain_rate(account.rate(contracts[name_of(instrument)], maker=True)),
                "takerCommission": plain_rate(account.rate(contracts[name_of(instrument)], maker=False)),
            }
            for instrument in self._directory.chosen(call)
        ]

    def status(self, call: Call) -> dict[str, Any]:
        """Tell that the venue is open."""
        del call
        return {"status": 0, "msg": "normal"}

    def nothing(self, call: Call) -> list[Any]:
        """Return an empty list: there is no margin trading here, and nothing is paid in or out."""
        del call
        return []

    def no_rows(self, call: Call) -> dict[str, Any]:
        """Return an empty page."""
        del call
        return {"total": 0, "rows": []}

    def restrictions(self, call: Call) -> dict[str, Any]:
        """Return what the key may do."""
        del call
        return {
            "ipRestrict": False,
            "createTime": self._clock.now_ms(),
            "enableReading": True,
            "enableSpotAndMarginTrading": True,
            "enableWithdrawals": False,
            "enableInternalTransfer": False,
            "enableMargin": False,
            "enableFutures": True,
            "permitsUniversalTransfer": False,
            "enableVanillaOptions": False,
            "enablePortfolioMarginTrading": False,
        }


def _network(coin: str) -> dict[str, Any]:
    return {
        "network": coin,
        "coin": coin,
        "name": coin,
        "withdrawIntegerMultiple": "0.00000001",
        "isDefault": True,
        "depositEnable": True,
        "withdrawEnable": True,
        "depositDesc": "",
        "withdrawDesc": "",
        "specialTips": "",
        "resetAddressStatus": False,
        "addressRegex": "",
        "memoRegex": "",
        "withdrawFee": "0",
        "withdrawMin": "0.00000001",
        "withdrawMax": "1000000",
        "minConfirm": 1,
        "unLockConfirm": 1,
        "sameAddress": False,
        "estimatedArrivalTime": 1,
        "busy": False,
    }
