"""The flags of a backtest's account and of how its orders are filled, and the settings that they make."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from real_trade.cli.options import decimal_flag, whole_flag

if TYPE_CHECKING:
    import argparse

    from real_trade.backtest.account import AccountSettings
    from real_trade.utils.config import GlobalConfig


def add_account_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    _add_money(parser)
    _add_margin(parser)
    _add_fills(parser)


def account_settings(args: argparse.Namespace, config: GlobalConfig) -> AccountSettings:
    """Return what the flags say, and the configuration where they are silent."""
    from real_trade.backtest.account import AccountSettings

    # A tier that is named outweighs the configuration's one fee for all.
    stated = config.commission if args.fee_tier is None else None
    commission = None if stated is None else Decimal(str(stated))
    return AccountSettings(
        cash=Decimal(str(config.initial_cash)) if args.cash is None else args.cash,
        fee_taker=commission if args.fee_taker is None else args.fee_taker,
        fee_maker=commission if args.fee_maker is None else args.fee_maker,
        fee_tier=args.fee_tier,
        leverage=args.leverage,
        queue=args.queue,
        volume_share=args.volume_share,
        policy=args.policy,
        slippage=args.slippage,
        margin=args.margin,
        fee_liquidation=args.fee_liquidation,
        latency_ms=args.latency_ms,
        funding_rate=args.funding_rate,
    )


def _add_money(parser: argparse.ArgumentParser) -> None:
    account = parser.add_argument_group("account")
    account.add_argument(
        "--cash",
        type=decimal_flag("--cash", above="0"),
        metavar="MONEY",
        help="starting money in the settlement currency (default: the configuration)",
    )
    for side in ("taker", "maker"):
        flag = f"--fee-{side}"
        account.add_argument(
            flag,
            type=decimal_flag(flag, least="0", below="1"),
            metavar="FRACTION",
            help=f"{side} fee as a fraction, such as 0.001 (default: the tier, the configuration, the instrument)",
        )
    account.add_argument(
        "--fee-tier", metavar="NAME", help="fees of a tier of the venue: vip0, vip1 ... (default: none)"
    )


def _add_margin(parser: argparse.ArgumentParser) -> None:
    margin = parser.add_argument_group("margin and funding (linear and inverse markets)")
    margin.add_argument(
        "--leverage",
        type=whole_flag("--leverage", least=1),
        default=1,
        metavar="TIMES",
        help="position value allowed per unit of equity (default: %(default)s)",
    )
    margin.add_argument(
        "--margin",
        choices=("cross", "isolated"),
        default="cross",
        help="a position is backed by the whole account, or by its own margin alone (default: %(default)s)",
    )
    margin.add_argument(
        "--fee-liquidation",
        type=decimal_flag("--fee-liquidation", least="0", below="1"),
        metavar="FRACTION",
        help="fee on the value liquidated, as far as margin is left (default: taker fee on bybit, 0.0125 elsewhere)",
    )
    margin.add_argument(
        "--funding-rate",
        type=decimal_flag("--funding-rate", above="-1", below="1"),
        metavar="FRACTION",
        help="rate that longs pay at every settlement, such as 0.0001; below 0 shorts pay (default: the stored rates)",
    )


def _add_fills(parser: argparse.ArgumentParser) -> None:
    fills = parser.add_argument_group("how orders are filled")
    fills.add_argument(
        "--latency",
        dest="latency_ms",
        type=whole_flag("--latency", least=0),
        default=0,
        metavar="MS",
        help="milliseconds from a decision to its arrival at the venue (default: %(default)s)",
    )
    fills.add_argument(
        "--queue",
        choices=("touch", "through"),
        default="touch",
        help="a limit order fills when its price is touched, or when it is passed by a tick (default: %(default)s)",
    )
    fills.add_argument(
        "--volume-share",
        type=decimal_flag("--volume-share", least="0", most="1"),
        default=Decimal(0),
        metavar="PART",
        help="part of a bar's volume that orders may take, such as 0.1, the rest waits; 0 for no bound (default)",
    )
    fills.add_argument(
        "--policy",
        choices=("pessimistic", "optimistic", "path", "finer"),
        default="pessimistic",
        help="who wins where one bar could hit both the stop and the target of a position; finer: the trades, or else "
        "the shortest bars, that are stored (default: %(default)s)",
    )
    fills.add_argument(
        "--slippage",
        default="none",
        metavar="MODEL[:NUMBER]",
        help="how much worse than the bar's price a taker is filled: none, basis_points:2, half_spread:1, "
        "volume_share:0.1, volatility:0.05 (default: %(default)s)",
    )
