"""real-trade new-strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Cli


def test_it_writes_a_strategy_that_runs(cli: Cli, stock: Path, tmp_path: Path) -> None:
    ran = cli("new-strategy", "my_idea", "--json")
    assert ran.code == 0
    assert ran.json == {"path": "my_idea.py", "class": "MyIdea"}
    text = (tmp_path / "my_idea.py").read_text()
    assert "{{" not in text
    assert len(text.splitlines()) < 80
    described = cli("list-strategies", "--strategy", "my_idea.py", "--json").json["strategies"]
    assert described[0]["name"] == "my_idea"
    done = cli("backtest", "--strategy", "my_idea.py", "--runner", "python", "--json")
    assert done.code == 0
    assert done.json["stats"]["trades"] > 0


def test_it_never_overwrites(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("mine")
    ran = cli("new-strategy", "mine", "--json")
    assert (ran.code, ran.error["code"]) == (2, "file_exists")
    assert (tmp_path / "mine.py").read_text() == "mine"


@pytest.mark.parametrize("name", ["../evil", "class", "Über", "", "1st", "a b"])
def test_what_cannot_name_a_module_is_refused(cli: Cli, tmp_path: Path, name: str) -> None:
    before = set(tmp_path.iterdir())
    ran = cli("new-strategy", name, "--json")
    assert (ran.code, ran.error["code"]) == (2, "bad_name")
    assert set(tmp_path.iterdir()) == before
