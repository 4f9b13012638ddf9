"""The page about rehearsing says what is so: its program runs, its plan is one, every fault is in the table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from real_trade.exchange.faults import FAULTS, FaultPlan

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "rehearse.md").read_text(encoding="utf-8")


def test_its_program_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "rehearse.md", "exec"), names)
    account = names["world"].exchange.accounts[1]
    assert [position.lots for position in account.positions.values()] == [10]
    assert names["world"].now_ms == names["start"] + 3_600_000


def test_its_plan_is_one() -> None:
    (text,) = re.findall(r'(    \{"seed".*?\n    \]\})', PAGE, re.DOTALL)
    plans = [FaultPlan.of(entry) for entry in json.loads(text)["faults"]]
    assert [plan.name for plan in plans] == ["no_answer", "stream_loss", "liquidation"]


def test_every_fault_is_in_the_table_and_every_word_of_the_page_is_a_fault() -> None:
    table = (DOCS / "faults.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in table for name in FAULTS)
    # Before this section it is clients' words that look like that.
    told = PAGE[PAGE.index("## Let things go wrong") :]
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", told)) - {"from_s", "to_s", "at_s"}
    assert named
    assert named <= set(FAULTS)
