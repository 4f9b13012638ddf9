"""Several runs set against each other: figures with the best marked, what differs, and what must not differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from real_trade import __version__
from real_trade.metrics.registry import METRICS
from real_trade.model.errors import InputError
from real_trade.report.formatting import NOTHING, amount, number, one_line, scalar_text, share, show
from real_trade.report.trust import CHECKS, deflated_sharpe_text, overall_word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from real_trade.report.runs import Run

SCHEMA: Final = "real_trade.comparison/1"
LEAST: Final = 2
MOST: Final = 12
# The runs are lettered, so that a long name need stand only once.
LETTERS: Final = "ABCDEFGHIJKL"
_FIGURES: Final = (
    "final_equity", "net_profit", "net_profit_pct", "cagr", "max_drawdown", "max_drawdown_days", "sharpe", "sortino",
    "calmar", "profit_factor", "expectancy", "trades", "win_rate", "fees", "funding", "slippage", "cost_bps",
    "break_even_cost_bps", "exposure", "time_under_water", "liquidations", "ambiguous_fills",
)  # fmt: skip
_HASHES: Final = ("data", "code", "config", "orders")


@dataclass(frozen=True, slots=True)
class _TrustFigure:
    """A figure of the trust checks: where it lies, how it is shown, and which end is better."""

    label: str
    path: tuple[str, ...]
    shown: Callable[[object], str]
    higher_is_better: bool | None = None


def _count(value: object) -> str:
    found = number(value)
    return NOTHING if found is None else f"{found:,.0f}"


_TRUST: Final = {
    "trials": _TrustFigure("Trials on the same data", ("trials", "count"), _count),
    "deflated_sharpe": _TrustFigure(
        "Deflated Sharpe", ("trials", "deflated_sharpe"), lambda value: deflated_sharpe_text(number(value)), True
    ),
    "net_if_costs_double": _TrustFigure("Net if costs double", ("costs", "net_if_costs_double"), amount, True),
    "loss_probability": _TrustFigure(
        "Chance of a loss", ("monte_carlo", "methods", "block_bootstrap", "loss_probability"), share, False
    ),
    "p95_share": _TrustFigure("Share of volume, p95", ("capacity", "p95_share"), share, False),
}


def compare_runs(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the comparison as one JSON-ready document.

    Returns:
        ``schema, version, currency, runs`` (letter, name and facts), ``figures`` (name, label, values, shown, best:
        indices), ``checks``, ``parameters`` and ``settings`` (name, values, differs), ``hashes`` (name, values,
        differs) and ``warnings``.

    Raises:
        InputError: fewer than two runs or more than twelve, or runs in different currencies.
    """
    _check_count(len(runs))
    currency = _currency(runs)
    documents = [run.document for run in runs]
    failed = [_failed(document) for document in documents]
    hashes = _rows([_mapping(document, "hashes") for document in documents], _HASHES)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "currency": currency,
        "runs": [_run(run, LETTERS[i]) for i, run in enumerate(runs)],
        "figures": [*_figures(documents, currency, failed), *_trust_figures(documents, failed)],
        "checks": [
            {
                "name": name,
                "label": label,
                "values": [overall_word(_mapping(document, "trust"), name) for document in documents],
            }
            for name, label in CHECKS.items()
        ],
        "parameters": _rows([_params(document) for document in documents]),
        "settings": _rows([_settings(document) for document in documents]),
        "hashes": hashes,
        "warnings": _warnings(runs, hashes),
    }


def _check_count(count: int) -> None:
    if LEAST <= count <= MOST:
        return
    code = "too_few_runs" if count < LEAST else "too_many_runs"
    raise InputError(
        f"A comparison needs {LEAST} to {MOST} runs, not {count}.",
        code=code,
        field="directory",
        value=count,
        fix=f"Name {'another report' if count < LEAST else f'at most {MOST} reports'}.",
    )


def _currency(runs: Sequence[Run]) -> str:
    """Return the currency that all share; a summary that does not say is taken to share it."""
    said = {str(run.document["currency"]): run.name for run in runs if run.document.get("currency")}
    if len(said) > 1:
        words = ", ".join(f"{name} in {one_line(currency)}" for currency, name in said.items())
        raise InputError(
            f"Amounts in different currencies cannot be compared: {words}.",
            code="different_currencies",
            field="directory",
            value=", ".join(said),
            fix="Compare runs that settle in the same currency.",
        )
    return next(iter(said), "")


def _run(run: Run, letter: str) -> dict[str, Any]:
    data = _mapping(run.document, "data")
    facts = {name: data.get(name) for name in ("venue", "market", "symbol", "interval", "from", "to", "bars")}
    return {"letter": letter, "name": run.name, "strategy": one_line(run.document.get("strategy", NOTHING)), **facts}


def _figures(
    documents: Sequence[Mapping[str, Any]], currency: str, failed: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    rows = []
    for name in _FIGURES:
        metric = METRICS[name]
        values = [number(_mapping(document, "stats").get(name)) for document in documents]
        label = f"{metric.label}, %" if metric.unit == "percent" else metric.label
        rows.append(
            {
                "name": name,
                "label": label,
                "note": metric.description,
                "values": values,
                "shown": [show(metric, value, currency) for value in values],
                "best": _best(values, failed, higher=metric.higher_is_better),
            }
        )
    return rows


def _trust_figures(documents: Sequence[Mapping[str, Any]], failed: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return the figures of the trust checks that at least one of the runs has."""
    rows = []
    for name, figure in _TRUST.items():
        found = []
        for document in documents:
            value: Any = _mapping(document, "trust")
            for step in figure.path:
                value = value.get(step) if isinstance(value, Mapping) else None
            found.append(number(value))
        if any(value is not None for value in found):
            row = {"name": name, "label": figure.label, "note": "", "values": found}
            shown = [figure.shown(value) for value in found]
            rows.append(row | {"shown": shown, "best": _best(found, failed, higher=figure.higher_is_better)})
    return rows


def _best(values: Sequence[float | None], failed: Sequence[Sequence[str]], *, higher: bool | None) -> list[int]:
    """Return who is best: nobody where neither end is better or all are alike, never one that failed a check."""
    known = [value for value, checks in zip(values, failed, strict=True) if value is not None and not checks]
    if higher is None or len(set(known)) < 2:
        return []
    best = max(known) if higher else min(known)
    return [i for i, value in enumerate(values) if value == best and not failed[i]]


def _rows(sides: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return one row per name that any side has, in order of appearance; an absent one is null."""
    rows = []
    for name in names or dict.fromkeys(key for side in sides for key in side):
        values = [side.get(name) for side in sides]
        shown = [scalar_text(value) for value in values]
        rows.append({"name": one_line(name), "values": values, "shown": shown, "differs": len(set(shown)) > 1})
    return rows


def _params(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters; of a portfolio those of each strategy, and its share."""
    found = dict(_mapping(document, "params"))
    listed = document.get("strategies")
    for strategy in listed if isinstance(listed, list) else ():
        if not isinstance(strategy, Mapping):
            continue
        name = one_line(strategy.get("name", NOTHING))
        found[f"{name}: share"] = strategy.get("share")
        found |= {f"{name}: {key}": value for key, value in _mapping(strategy, "params").items()}
    return found


def _settings(document: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in _mapping(document, "settings").items() if name != "cash_units"}
    return {"strategy": document.get("strategy"), "runner": document.get("runner"), **settings}


def _warnings(runs: Sequence[Run], hashes: Sequence[Mapping[str, Any]]) -> list[str]:
    warnings = []
    differing = {row["name"] for row in hashes if row["differs"]}
    if "data" in differing:
        series: dict[str, list[str]] = {}
        for i, run in enumerate(runs):
            series.setdefault(_series(run), []).append(LETTERS[i])
        words = "; ".join(f"{', '.join(letters)}: {words}" for words, letters in series.items())
        warnings.append(f"The data differ, so the figures are not like for like. {words}.")
    starts = {number(_mapping(run.document, "stats").get("initial_equity")) for run in runs}
    if len(starts) > 1:
        warnings.append("The start balances differ: compare per cent and ratios, not money.")
    if "orders" not in differing and _mapping(runs[0].document, "hashes").get("orders"):
        warnings.append("All runs placed the same orders.")
    for i, run in enumerate(runs):
        if failed := _failed(run.document):
            words = f"{LETTERS[i]} failed the {' and the '.join(failed)}"
            warnings.append(f"{words}: its figures cannot be trusted and are never marked best.")
    return warnings


def _failed(document: Mapping[str, Any]) -> list[str]:
    """Return the checks that the run failed, in words."""
    trust = _mapping(document, "trust")
    return [label.lower() for name, label in CHECKS.items() if overall_word(trust, name) == "FAILED"]


def _series(run: Run) -> str:
    data = _mapping(run.document, "data")
    words = [one_line(scalar_text(data.get(name))) for name in ("venue", "market", "symbol", "interval")]
    span = " to ".join(one_line(scalar_text(data.get(name)))[:10] for name in ("from", "to"))
    digest = one_line(_mapping(run.document, "hashes").get("data") or NOTHING)[:8]
    return f"{' '.join(words)}, {span}, sha256 {digest}"


def _mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}
