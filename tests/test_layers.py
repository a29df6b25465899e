"""Light commands stay light, and imports go down only. Each case is a fresh interpreter."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import conch

HEAVY = ("torch", "transformers", "datasets", "fastapi", "gradio", "peft", "numpy", "matplotlib")
ROOT = Path(conch.__file__).parents[2]

CHECK = f"""
import sys
try:
    {{statement}}
except SystemExit as error:
    assert not error.code, error.code
finally:
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    print("HEAVY", heavy)
"""
COMMANDS = [
    ["--help"],
    ["version"],
    ["version", "--json"],
    ["options", "train"],
    ["options", "train", "--json"],
    ["runs", "list"],
    ["runs", "--help"],
    ["train", "--help"],
    ["chat", "--help"],
    ["serve", "--help"],
    ["export", "--help"],
    ["quickstart", "--help"],
    ["data", "list"],
    ["models", "list"],
    ["doctor", "--help"],
]
IMPORTS = ["conch", "conch.cli", "conch.config", "conch.runs", "conch.submit", "conch.worker"]


def heavy_after(statement: str, home: Path) -> str:
    code = CHECK.replace("{statement}", statement)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "CONCH_HOME": str(home), "CONCH_LANG": "en"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("module", IMPORTS)
def test_importing_brings_in_nothing_heavy(module: str, home: Path) -> None:
    assert heavy_after(f"import {module}", home) == "HEAVY []"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_that_do_no_model_work_bring_in_nothing_heavy(words: list[str], home: Path) -> None:
    statement = f"from conch.cli import main; sys.argv = ['conch', *{words!r}]; main()"
    assert heavy_after(statement, home) == "HEAVY []"


def test_nobody_imports_what_another_module_keeps_to_itself() -> None:
    """A name with an underscore belongs to its file; whoever needs it gives it a public name."""
    taken = [
        f"{path.relative_to(ROOT)}:{node.lineno} {alias.name}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("conch")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert taken == []


def test_imports_go_down_only() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
