"""The shape of the code itself: limits on the tail, what may be imported, how fast it starts."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ais_app
from ais_app.cli.app import COMMANDS
from ais_app.cli.subtomo import COMMANDS as ON_SUBTOMOGRAMS

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted([*(ROOT / "ais_app").rglob("*.py"), *(ROOT / "models").rglob("*.py")])
MODULE_LINES, CLASS_LINES, BODY_LINES = 400, 300, 60


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_class_or_function_is_too_long(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= MODULE_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            assert (node.end_lineno or 0) - node.lineno < CLASS_LINES, node.name
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert _body_lines(node) <= BODY_LINES, node.name


def test_every_folder_of_code_is_installed():
    """A package that pyproject.toml does not list works in place and is missing from an installation."""
    listed = re.search(r"^packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S)
    assert listed is not None
    folders = [path.parent.relative_to(ROOT) for path in ROOT.glob("[!.]*/**/__init__.py")]
    own = {".".join(folder.parts) for folder in folders if folder.parts[0] == "ais_app"}
    mapped = {".".join(("ais_app", *folder.parts)) for folder in folders if folder.parts[0] in {"models", "resources"}}
    assert set(re.findall(r'"([\w.]+)"', listed[1])) == own | mapped


def _child(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_everything_below_the_window_imports_without_qt():
    modules = [
        "ais_app." + ".".join(path.relative_to(ROOT / "ais_app").with_suffix("").parts)
        for path in (ROOT / "ais_app").rglob("*.py")
        if path.stem not in {"__init__", "__main__"} and not {"views", "workers"} & set(path.parts)
    ]
    blocked = "import sys\nfor name in ('PyQt6', 'vispy', 'OpenGL'): sys.modules[name] = None\n"
    assert _child(f"{blocked}import importlib\nfor m in {modules}: importlib.import_module(m)\nprint('ok')") == "ok\n"


@pytest.mark.parametrize("code", ["import ais_app", "from ais_app.cli.app import run; run(['--help'])"])
def test_starting_imports_nothing_heavy(code):
    heavy = {"torch", "numpy", "pandas", "scipy", "PyQt6", "skimage"}
    shown = _child(f"import sys\n{code}\nprint(sorted(set(sys.modules) & {heavy}))")
    assert shown.splitlines()[-1] == "[]"


def test_starting_takes_little_more_than_its_command_line_library():
    """Of 300 ms for the whole (see docs/performance.md), most is typer's: measured against it, on any machine."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def seconds(*arguments: str) -> float:
        """Return what a child takes of the processor: what else the machine does is left out."""
        before = os.times()
        subprocess.run([sys.executable, *arguments], env=variables, capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    least = "import typer; app = typer.Typer(); app.command()(lambda: None); app(['--help'])"
    bare, shown = (min(seconds(*run) for _ in range(5)) for run in (("-c", least), ("-m", "ais_app", "--help")))
    assert shown < 2 * bare


@pytest.mark.parametrize("words", [*((name,) for name in COMMANDS), *(("subtomo", name) for name in ON_SUBTOMOGRAMS)])
def test_every_command_explains_itself(words, ais):
    code, out, _ = ais(*words, "--help")
    assert code == 0
    assert "Usage" in out
    assert "completion" not in out  # of the shell: only the options of the command


@pytest.mark.parametrize("name", [name for name in ais_app.__all__ if name != "__version__"])
def test_every_public_name_exists_and_is_documented(name):
    assert (getattr(ais_app, name).__doc__ or "").strip()
