"""How Binance's futures spell positions, balances, and what the user stream tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.exchange.binance.spelling import amount, mean, position_side, price, quantity
from real_trade.exchange.core.contract import RATE_SCALE, UNIT, Kind
from real_trade.exchange.core.margin import available, totals
from real_trade.exchange.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from real_trade.exchange.binance.settings import Settings
    from real_trade.exchange.core.account import Account, Position
    from real_trade.exchange.core.exchange import Exchange
    from real_trade.exchange.world import World

# A price of liquidation is looked for up to so many times the mark price.
_HIGHEST = 10


def entry_price(position: Position) -> str:
    """Spell the mean price of what is held; 0.0 where nothing is."""
    contract = position.contract
    if position.lots == 0:
        return "0.0" if contract.kind is Kind.LINEAR else "0.00000000"
    text = mean(contract, abs(position.lots), abs(position.cost), 8)
    return text.rstrip("0").removesuffix(".") if contract.kind is Kind.LINEAR else text


def even_price(account: Account, position: Position) -> str:
    """Spell the price at which closing pays the fee of opening and its own."""
    contract = position.contract
    if position.lots == 0:
        return entry_price(position)
    lots, value = abs(position.lots), abs(position.cost)
    fee = 2 * value * account.rate(contract, maker=False) // RATE_SCALE
    gains = (position.lots > 0) != (contract.kind is Kind.INVERSE)
    text = mean(contract, lots, value + fee if gains else value - fee, 8)
    return text.rstrip("0").removesuffix(".") if contract.kind is Kind.LINEAR else text


def margins(account: Account, position: Position, exchange: Exchange) -> dict[str, int]:
    """Return a position's amounts in units: notional, profit, margins, and what its open orders hold back."""
    contract, mark = position.contract, exchange.mark(position.contract)
    orders = sum(
        order.bound
        for order in exchange.open_orders(account.number)
        if order.contract is contract and order.request.side == position.side
    )
    notional = contract.value(position.lots, mark)
    initial = position.initial_margin(mark)
    return {
        "notional": notional if position.lots >= 0 else -notional,
        "profit": position.profit(mark),
        "position": initial,
        "orders": orders,
        "initial": initial + orders,
        "maintenance": position.maintenance(mark),
    }


def risk_row(world: World, settings: Settings, account: Account, position: Position, updated_ms: int) -> dict[str, Any]:
    """Return all that is told of a position, under the names of positionRisk; each version keeps some of them."""
    exchange, contract = world.exchange, position.contract
    symbol = world.listing(contract.symbol).instrument.symbol
    kept = margins(account, position, exchange)
    isolated = settings.is_isolated(account.number, contract.symbol)
    alone = kept["position"] + position.extra if isolated and position.lots else 0
    leverage = settings.leverage(account.number, contract)
    most = settings.largest_value(contract, leverage) * UNIT
    return {
        "symbol": symbol,
        "positionAmt": quantity(contract, position.lots),
        "entryPrice": entry_price(position),
        "breakEvenPrice": even_price(account, position),
        "markPrice": f"{exchange.mark(contract) * contract.tick:.8f}",
        "unRealizedProfit": amount(kept["profit"]),
        "liquidationPrice": liquidation_price(exchange, account, position, isolated=isolated) if position.lots else "0",
        "leverage": str(leverage),
        "maxNotionalValue": f"{most:.0f}",
        "maxQty": f"{most:.0f}",
        "marginType": "isolated" if isolated else "cross",
        "isolatedMargin": amount(alone + kept["profit"] if alone else 0),
        "isAutoAddMargin": "false",
        "positionSide": position_side(position.side),
        "notional": amount(kept["notional"]),
        "notionalValue": amount(kept["notional"]),
        "marginAsset": contract.settle,
        "isolatedWallet": amount(alone),
        "initialMargin": amount(kept["initial"]),
        "maintMargin": amount(kept["maintenance"]),
        "positionInitialMargin": amount(kept["position"]),
        "openOrderInitialMargin": amount(kept["orders"]),
        "adl": 2 if position.lots else 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": updated_ms,
    }


def asset_row(exchange: Exchange, account: Account, coin: str, updated_ms: int) -> dict[str, Any]:
    """Return all that is told of a coin; each endpoint keeps some of it."""
    wallet = account.wallet.get(coin, 0)
    equity, needed = totals(account, coin, exchange.mark)
    held = [p for p in account.positions.values() if p.lots and p.contract.settle == coin]
    initial = sum(position.initial_margin(exchange.mark(position.contract)) for position in held)
    orders = account.bound.get(coin, 0)
    free = max(0, available(account, coin, exchange.mark))
    return {
        "asset": coin,
        "walletBalance": amount(wallet),
        "unrealizedProfit": amount(equity - wallet),
        "marginBalance": amount(equity),
        "maintMargin": amount(needed),
        "initialMargin": amount(initial + orders),
        "positionInitialMargin": amount(initial),
        "openOrderInitialMargin": amount(orders),
        "crossWalletBalance": amount(wallet),
        "crossUnPnl": amount(equity - wallet),
        "availableBalance": amount(free),
        "maxWithdrawAmount": amount(min(free, max(0, wallet))),
        "marginAvailable": True,
        "updateTime": updated_ms,
    }


def liquidation_price(exchange: Exchange, account: Account, position: Position, *, isolated: bool) -> str:
    """Return an estimate: the mark price at which margin no longer covers what is needed; 0 if there is none.

    Isolated, the position's own margin is what it may lose; else what else the account holds stays as it is.
    """
    contract, mark = position.contract, exchange.mark(position.contract)
    if isolated:
        spare = position.backing
    else:
        equity, needed = totals(account, contract.settle, exchange.mark)
        spare = equity - needed - position.profit(mark) + position.maintenance(mark)

    def is_safe(ticks: int) -> bool:
        return spare + position.profit(ticks) - position.maintenance(ticks) > 0

    long = position.lots > 0
    low, high = (1, mark) if long else (mark, _HIGHEST * mark)
    if is_safe(low if long else high):
        return "0"
    while high - low > 1:
        middle = (low + high) // 2
        if is_safe(middle) == long:
            high = middle
        else:
            low = middle
    return price(contract, low if long else high)


def account_event(
    world: World,
    settings: Settings,
    account: Account,
    reason: str,
    changes: Mapping[str, int],
    held: Iterable[tuple[str, int]],
    coins: Iterable[str] = (),
) -> dict[str, Any]:
    """Return what the user stream says of balances and positions.

    Args:
        world: the exchange.
        settings: margin types.
        account: whose.
        reason: why they changed.
        changes: coins that changed other than by trading, and by how many units.
        held: symbols and sides of the positions that changed.
        coins: those that changed by trading.
    """
    now = world.now_ms
    balances = []
    for coin in dict.fromkeys((*coins, *changes)):
        wallet = amount(account.wallet.get(coin, 0))
        balances.append({"a": coin, "wb": wallet, "cw": wallet, "bc": amount(changes.get(coin, 0))})
    rows = []
    for symbol, side in held:
        position = account.position(world.exchange.contracts[symbol], side)
        rows.append(_position(world, settings, account, position))
    return {"e": "ACCOUNT_UPDATE", "T": now, "E": now, "a": {"m": reason, "B": balances, "P": rows}}


def _position(world: World, settings: Settings, account: Account, position: Position) -> dict[str, str]:
    contract = position.contract
    isolated = settings.is_isolated(account.number, contract.symbol)
    kept = margins(account, position, world.exchange)
    return {
        "s": world.listing(contract.symbol).instrument.symbol,
        "pa": quantity(contract, position.lots),
        "ep": entry_price(position),
        "bep": even_price(account, position),
        "cr": amount(position.realised),
        "up": amount(kept["profit"]),
        "mt": "isolated" if isolated else "cross",
        "iw": amount(kept["position"] + position.extra if isolated and position.lots else 0),
        "ps": position_side(position.side),
        "ma": contract.settle,
    }


def margin_call(world: World, settings: Settings, account: Account, coin: str, equity: int) -> dict[str, Any]:
    """Return the warning that margin runs short."""
    rows = []
    for position in account.positions.values():
        contract = position.contract
        if not position.lots or contract.settle != coin:
            continue
        mark = world.exchange.mark(contract)
        isolated = settings.is_isolated(account.number, contract.symbol)
        rows.append(
            {
                "s": world.listing(contract.symbol).instrument.symbol,
                "ps": position_side(position.side),
                "pa": quantity(contract, position.lots),
                "mt": "ISOLATED" if isolated else "CROSSED",
                "iw": amount(position.backing if isolated else 0),
                "mp": price(contract, mark),
                "up": amount(position.profit(mark)),
                "mm": amount(position.maintenance(mark)),
            }
        )
    return {"e": "MARGIN_CALL", "E": world.now_ms, "cw": plain(equity * UNIT, 8), "p": rows}
