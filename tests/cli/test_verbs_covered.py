"""Every verb has a file of tests of its own, with at least one test that runs it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from real_trade.cli.registry import VERBS

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", VERBS)
def test_the_verb_has_a_test_that_shows_its_effect(name: str) -> None:
    file = HERE / f"test_verb_{name.replace('-', '_')}.py"
    assert file.is_file(), f"write {file.name}"
    runs = [
        function.name
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and function.name.startswith("test_")
        and any(isinstance(n, ast.Constant) and n.value == name for n in ast.walk(function))
        and any(isinstance(n, ast.Assert) for n in ast.walk(function))
    ]
    assert runs, f"no test in {file.name} runs {name!r}"


def test_no_file_of_tests_is_left_behind() -> None:
    files = {path.stem.removeprefix("test_verb_").replace("_", "-") for path in HERE.glob("test_verb_*.py")}
    assert files <= set(VERBS)
