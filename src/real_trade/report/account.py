"""The account that a run was made with, in words: its settings, and the units of its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from real_trade.model.instrument import Market
from real_trade.report.formatting import one_line, scalar_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.backtest.result import BacktestResult
    from real_trade.model.instrument import Instrument

# What people call the settings, in the order shown; others follow under their own names.
_LABELS: Final = {
    "cash": "Start balance",
    "leverage": "Leverage",
    "margin": "Margin",
    "fee_taker": "Taker fee",
    "fee_maker": "Maker fee",
    "fee_liquidation": "Liquidation fee",
    "funding_rate": "Funding",
    "slippage": "Slippage",
    "latency_ms": "Latency",
    "queue": "Queue",
    "volume_share": "Share of a bar's volume",
    "policy": "Policy of ambiguous bars",
}
# On spot nothing is borrowed.
_NOT_ON_SPOT: Final = frozenset({"leverage", "margin", "fee_liquidation", "funding_rate"})


class Units(NamedTuple):
    """What the figures of a result are counted in.

    Attributes:
        money: settlement currency; base on inverse.
        price: quote currency.
        quantity: base currency, or contracts where a unit of quantity is not one of base.
        contract: what one contract is worth or holds; empty where quantities are in base.
    """

    money: str
    price: str
    quantity: str
    contract: str = ""

    def __str__(self) -> str:
        """Return it as a phrase."""
        return f"money in {self.money}, prices in {self.price}, quantities in {self.quantity}"


def units_of(instrument: Instrument) -> Units:
    """Return what the figures of an instrument are counted in."""
    inverse, value = instrument.market == Market.INVERSE, instrument.contract_value
    if not inverse and value == 1:
        return Units(instrument.settle, instrument.quote, instrument.base)
    contract = f"{value} {instrument.quote if inverse else instrument.base}"
    return Units(instrument.settle, instrument.quote, "contracts", contract)


def funding_source(result: BacktestResult) -> str:
    """Return where the rates of funding came from."""
    return funding_words(result.settings, charged=len(result.payment_rows) > 0)


def funding_words(settings: Mapping[str, object], *, charged: bool) -> str:
    """Return where the rates of funding came from, by the settings and whether any was charged."""
    rate = settings.get("funding_rate")
    if rate is not None:
        return f"stated rate of {scalar_text(rate)} a settlement"
    return "stored rates" if charged else "none charged"


def setting_rows(result: BacktestResult) -> list[tuple[str, str]]:
    """Return the settings as (label, text)."""
    return settings_in_words(result.settings, result.runner, result.instrument, funding_source(result))


def settings_in_words(
    settings: Mapping[str, object], runner: str, instrument: Instrument, funding: str
) -> list[tuple[str, str]]:
    """Return settings as (label, text).

    Args:
        settings: of the account.
        runner: what ran it.
        instrument: one that was traded; its market and currency decide what is shown.
        funding: where the rates of funding came from.
    """
    texts = {name: scalar_text(value) for name, value in settings.items() if name != "cash_units"}
    texts["funding_rate"] = funding
    if texts.get("volume_share") == "0":
        texts["volume_share"] = "no bound"
    hidden = _NOT_ON_SPOT if instrument.market == Market.SPOT else frozenset()
    units = {"cash": f" {instrument.settle}", "latency_ms": " ms"}
    names = [name for name in dict.fromkeys((*_LABELS, *texts)) if name in texts and name not in hidden]
    return [
        ("Runner", runner),
        *((_LABELS.get(name, name), texts[name] + units.get(name, "")) for name in names),
    ]


def account_line(result: BacktestResult) -> str:
    """Return what decides most of a leveraged result, and the units of its figures, in one line."""
    words = account_words(result.settings, result.instrument, funding_source(result))
    return one_line(f"Account: {words}; {units_of(result.instrument)}")


def account_words(settings: Mapping[str, object], instrument: Instrument, funding: str) -> str:
    """Return what decides most of a leveraged result; arguments as in `settings_in_words`."""
    words = []
    if instrument.market != Market.SPOT:
        words = [
            f"leverage {scalar_text(settings.get('leverage'))}",
            f"{scalar_text(settings.get('margin'))} margin",
            f"funding: {funding}",
        ]
    return ", ".join([*words, f"latency {scalar_text(settings.get('latency_ms'))} ms"])
