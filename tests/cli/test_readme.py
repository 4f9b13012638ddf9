"""The README's commands, run as they are written, in order, in one shell; and pages that must be current."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PORT = "8701"


def console_commands(readme: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def shell_script(commands: list[str]) -> str:
    """Return a script that runs each command, waits for the server, and stops at an exit code that is not promised."""
    lines = ["trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"]
    for command in commands:
        promised = re.search(r"# exit code (\d+)$", command)
        lines += [f"echo '+ {command.split('#')[0].strip()}' | tr -d \"'\" >&2", command]
        if command.endswith("&"):
            lines.append("for _ in $(seq 300); do [ -s exchange.json ] && break; sleep 0.1; done")
        else:
            code = promised.group(1) if promised else "0"
            lines.append(f'code=$?; [ "$code" = {code} ] || {{ echo "exit code $code" >&2; exit 99; }}')
    return "\n".join(lines)


def test_the_commands_run_as_they_are_written(tmp_path: Path) -> None:
    commands = console_commands(ROOT / "README.md")
    assert len(commands) >= 15
    program = tmp_path / "bin" / "real-trade"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m real_trade.cli.main "$@"\n')
    program.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RT_")}
    environment |= {"PATH": f"{program.parent}:{os.environ['PATH']}", "XDG_DATA_HOME": str(tmp_path / "home")}
    script = shell_script(commands).replace(PORT, free_port())
    ran = subprocess.run(
        ["bash", "-c", script], cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    assert "Net profit" in ran.stdout
    assert (work / "out" / "report.html").is_file()
    assert (work / "coverage.svg").is_file()
    assert json.loads((work / "result.json").read_text())["strategy"] == "my_idea"
    assert (tmp_path / "home" / "real_trade" / "kline").is_dir()


def test_both_languages_show_the_same_commands_and_codes() -> None:
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert console_commands(english) == console_commands(chinese)

    def rest(readme: Path) -> tuple[list[str], list[str], list[str]]:
        text = readme.read_text(encoding="utf-8")
        codes = re.findall(r"^\| (\d[\d, 、]*) \|", text, re.MULTILINE)
        return (
            re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE),
            [code.replace("、", ", ") for code in codes],
            sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.zh-CN.md"}),
        )

    assert rest(english) == rest(chinese)


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_its_python_runs_and_its_links_lead_somewhere(readme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        exec(compile(block, readme, "exec"), {})
    missing = [link for link in re.findall(r"\]\(([^):]+)\)", text) if not (ROOT / link).exists()]
    assert not missing


def test_the_exit_codes_are_those_of_the_program() -> None:
    from real_trade.cli import main as edge
    from real_trade.model import errors

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {int(code) for cell in re.findall(r"^\| (\d[\d, ]*) \|", text, re.MULTILINE) for code in cell.split(", ")}
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.RealTradeError)
    ]
    ends = {edge.EXIT_INTERNAL, edge.EXIT_INTERRUPTED, edge.EXIT_PIPE}
    assert named == {0, *(kind.exit_code for kind in kinds), *ends}


def test_the_strategy_page_shows_what_new_strategy_writes() -> None:
    """The page's code, remarks aside, is the template's."""
    page = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    block = re.search(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert block is not None
    names: dict[str, object] = {"__name__": "page"}
    exec(compile(block.group(1), "strategies.md", "exec"), names)
    assert names["MyIdea"].describe()["parameters"][0]["name"] == "length"  # type: ignore[attr-defined]


def test_generated_pages_are_current() -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.pages().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"{name} is out of date; run: make docs"
