"""Positions and wallets as Bybit writes them: every number is text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from real_trade.exchange.bybit.spelling import Row, amount, index_of, mean_price, price, quantity, side
from real_trade.exchange.core.contract import RATE_SCALE, UNIT, Kind
from real_trade.exchange.core.margin import available, totals
from real_trade.exchange.words import plain

if TYPE_CHECKING:
    from real_trade.exchange.bybit.records import Protection, Story
    from real_trade.exchange.core.account import Account, Position
    from real_trade.exchange.core.exchange import Exchange

# The venue reckons with this fee at least for closing a position, 1e-9.
_LEAST_FEE: Final = 550_000


def position_row(
    exchange: Exchange, account: Account, position: Position, symbol: str, protection: Protection, trail: int,
    story: Story, updated_ms: int, seq: int,
) -> Row:  # fmt: skip
    """Return a position, flat ones included."""
    contract, lots = position.contract, position.lots
    mark = exchange.mark(contract)
    value = abs(position.cost)
    tier = contract.tier(contract.value(lots, mark)) if contract.tiers else None
    initial, needed = position.initial_margin(mark), position.maintenance(mark)
    return {
        "positionIdx": index_of(position.side),
        "riskId": 1 + (contract.tiers.index(tier) if tier else 0),
        "riskLimitValue": amount(tier.cap) if tier else "0",
        "symbol": symbol,
        "side": side(lots),
        "size": quantity(contract, abs(lots)),
        "avgPrice": mean_price(contract, abs(lots), value) or "0",
        "positionValue": amount(value) if lots else "",
        "tradeMode": 1 if account.isolated else 0,
        "positionStatus": "Normal",
        "autoAddMargin": int(position.refills),
        "adlRankIndicator": 2 if lots else 0,
        "leverage": str(position.leverage),
        "positionBalance": amount(position.backing if account.isolated else initial),
        "markPrice": price(contract, mark),
        "liqPrice": liquidation_price(exchange, account, position) if lots else "",
        "bustPrice": _bankruptcy_price(position) if account.isolated else "",
        "positionMM": amount(needed),
        "positionMMByMp": amount(needed),
        "positionIM": amount(initial),
        "positionIMByMp": amount(initial),
        "tpslMode": "Full",
        "takeProfit": price(contract, protection.take_profit) if protection.take_profit else "",
        "stopLoss": price(contract, protection.stop_loss) if protection.stop_loss else "",
        "trailingStop": price(contract, trail),
        "unrealisedPnl": amount(position.profit(mark)) if lots else "",
        "curRealisedPnl": amount(story.current),
        "cumRealisedPnl": amount(story.ever),
        "sessionAvgPrice": "",
        "breakEvenPrice": _break_even_price(account, position, story.current),
        "createdTime": str(story.since_ms or updated_ms),
        "updatedTime": str(updated_ms),
        "seq": seq,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
    }


def liquidation_price(exchange: Exchange, account: Account, position: Position) -> str:
    """Return an estimate: the mark price at which the margin no longer covers what it needs; empty if none.

    Source: the venue's statement for cross margin, that liquidation begins where the maintenance margin reaches the
    margin balance; what else the account holds stays as it is. An isolated position has its own margin alone.
    """
    contract, coin = position.contract, position.contract.settle
    mark = exchange.mark(contract)
    equity, needed = totals(account, coin, exchange.mark)
    spare = equity - needed - position.profit(mark) + position.maintenance(mark)
    if account.isolated:
        spare = position.backing
    low, high = (1, mark) if position.lots > 0 else (mark, 10 * mark)
    if _is_safe(position, spare, low if position.lots > 0 else high):
        return ""
    while high - low > 1:
        middle = (low + high) // 2
        if _is_safe(position, spare, middle) == (position.lots > 0):
            high = middle
        else:
            low = middle
    return price(contract, low if position.lots > 0 else high)


def _bankruptcy_price(position: Position) -> str:
    """Return the price at which an isolated position has lost all of its margin; empty if there is none."""
    if position.lots == 0:
        return ""
    contract, sign = position.contract, 1 if position.lots > 0 else -1
    gains = sign if contract.kind is Kind.LINEAR else -sign
    value = abs(position.cost) - gains * position.backing
    if value <= 0:
        return ""
    size = abs(position.lots) * contract.step * contract.face
    exact = value * UNIT / size if contract.kind is Kind.LINEAR else size / (value * UNIT)
    return f"{exact.quantize(contract.tick)}"


def _break_even_price(account: Account, position: Position, realised: int) -> str:
    """Return the price at which closing a position makes up for what it has cost; empty if there is none.

    Source: the venue's formula for linear contracts, entry and size less what was realised over size less the fee of
    closing it; on inverse ones the same in the coin.
    """
    if position.lots == 0:
        return ""
    contract, sign = position.contract, 1 if position.lots > 0 else -1
    size = abs(position.lots) * contract.step * contract.face
    fee = Decimal(max(account.rate(contract, maker=False), _LEAST_FEE)) / RATE_SCALE
    cost = sign * abs(position.cost) * UNIT
    if contract.kind is Kind.LINEAR:
        above, below = cost - realised * UNIT, size * (sign - fee)
    else:
        above, below = size * (sign + fee), cost + realised * UNIT
    return plain((above / below).quantize(UNIT)) if above * below > 0 else ""


def _is_safe(position: Position, spare: int, ticks: int) -> bool:
    return spare + position.profit(ticks) - position.maintenance(ticks) > 0


def _locked(exchange: Exchange, account: Account, coin: str) -> int:
    """Return what spot orders hold back of a coin."""
    mine = (order for order in exchange.open_orders(account.number) if order.contract.kind is Kind.SPOT)
    given = ((o.contract.quote if o.request.sign > 0 else o.contract.base, o.bound) for o in mine)
    return sum(units for name, units in given if name == coin)


def _coin_row(
    account: Account, coin: str, equity: int, needed: int, initial: int, locked: int, rate: Decimal
) -> Row:  # fmt: skip
    """Return one coin of a unified account; ``rate`` is the price of a unit in dollars."""
    wallet, bound = account.wallet[coin], account.bound.get(coin, 0)
    return {
        "coin": coin,
        "equity": amount(equity),
        "usdValue": plain((equity * rate).quantize(UNIT)),
        "walletBalance": amount(wallet),
        "locked": amount(locked),
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "spotBorrow": "0",
        "availableToBorrow": "",
        # The venue no longer tells it of a unified account; clients work it out.
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": amount(bound - locked),
        "totalPositionIM": amount(initial),
        "totalPositionMM": amount(needed),
        "unrealisedPnl": amount(equity - wallet),
        "cumRealisedPnl": amount(account.realised.get(coin, 0) - account.fees.get(coin, 0)),
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
    }


def wallet_row(exchange: Exchange, account: Account, dollars: dict[str, Decimal]) -> Row:
    """Return the unified account: what it holds of each coin, and all together in dollars.

    Args:
        exchange: the core.
        account: whose.
        dollars: of each coin, its price.
    """
    coins, equity_usd, wallet_usd, profit_usd = [], Decimal(0), Decimal(0), Decimal(0)
    initial_usd = needed_usd = free_usd = Decimal(0)
    for coin in sorted(account.wallet):
        equity, needed = totals(account, coin, exchange.mark)
        wallet, bound = account.wallet[coin], account.bound.get(coin, 0)
        held = [p for p in account.positions.values() if p.lots and p.contract.settle == coin]
        initial = sum(position.initial_margin(exchange.mark(position.contract)) for position in held)
        free = max(0, available(account, coin, exchange.mark))
        rate = dollars.get(coin, Decimal(0)) * UNIT
        equity_usd += equity * rate
        wallet_usd += wallet * rate
        profit_usd += (equity - wallet) * rate
        initial_usd += (initial + bound) * rate
        needed_usd += needed * rate
        free_usd += free * rate
        coins.append(_coin_row(account, coin, equity, needed, initial, _locked(exchange, account, coin), rate))
    margin = wallet_usd + profit_usd

    def spelled(value: Decimal) -> str:
        return plain(value.quantize(UNIT))

    rates = [spelled(part / margin if margin > 0 else Decimal(0)) for part in (initial_usd, needed_usd)]
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": rates[0],
        "accountIMRateByMp": rates[0],
        "accountMMRate": rates[1],
        "accountMMRateByMp": rates[1],
        "totalEquity": spelled(equity_usd),
        "totalWalletBalance": spelled(wallet_usd),
        "totalMarginBalance": spelled(margin),
        "totalAvailableBalance": spelled(free_usd),
        "totalPerpUPL": spelled(profit_usd),
        "totalInitialMargin": spelled(initial_usd),
        "totalInitialMarginByMp": spelled(initial_usd),
        "totalMaintenanceMargin": spelled(needed_usd),
        "totalMaintenanceMarginByMp": spelled(needed_usd),
        "coin": coins,
    }
