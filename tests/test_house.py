"""The architecture, kept true."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from importlinter.api import read_configuration
from importlinter.application import use_cases

from tests.needs import missing

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "tasks", "blocks", "infrastructure")
TOP = {"flows", "blocks", "tasks", "infrastructure", "tests", "pyproject.toml", "prefect.yaml", "README.md"}
TOOLING = {"Makefile", "LICENSE"}
MODULE_MAX, FUNCTION_MAX, README_MAX = 300, 70, 150
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
CLOCKS = {"time.time", "time.monotonic", "time.perf_counter"}
NETWORK = {"socket.socket", "socket.create_connection", "httpx.get", "httpx.post", "httpx.Client", "urlopen"}
# Spelled in two parts: this file is committed too.
ELSEWHERE = [a + b for a, b in (("/wo", "rk/"), ("/ro", "ot/"), ("pypi", ".org"), ("files.python", "hosted"),
                                ("registry.", "npmjs"))]  # fmt: skip


@cache
def committed() -> tuple[Path, ...]:
    """Everything git keeps."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        missing("This is no git checkout, so what is committed cannot be told.")
    return tuple(path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file())


def modules(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


OURS = modules(*ROOMS)
ALL = [*OURS, *modules("tests")]


def test_the_top_level_is_what_the_customer_gave():
    top = {path.relative_to(ROOT).parts[0] for path in committed()}
    assert {name for name in top if not name.startswith(".")} <= TOP | TOOLING
    assert TOP - {"README.md"} <= top


def test_the_readme_is_short():
    readme = ROOT / "README.md"
    if not readme.exists():
        missing("There is no README.md yet.")
    assert len(readme.read_text().splitlines()) < README_MAX


@pytest.mark.parametrize("path", ALL, ids=named)
def test_a_module_fits_on_a_few_screens(path: Path):
    assert len(path.read_text().splitlines()) <= MODULE_MAX
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_MAX, f"{node.name} is too long"


def test_no_module_has_a_name_without_a_shape():
    assert not [named(path) for path in ALL if {path.stem, *path.relative_to(ROOT).parts[:-1]} & SHAPELESS]


@pytest.mark.parametrize("path", [path for path in ALL if path.name == "__init__.py"], ids=named)
def test_an_init_holds_a_docstring_and_nothing_else(path: Path):
    (only,) = tree(path).body
    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Constant)
    assert isinstance(only.value.value, str)


def test_every_folder_of_modules_has_an_init():
    folders = {path.parent for path in ALL if path.parent != ROOT}
    assert not [named(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_prefects_decorators_are_touched_in_one_place():
    """The bench compares us with a bare flow, so it has bare flows."""
    touching = set()
    for path in OURS:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module in {"prefect", "prefect.flows", "prefect.tasks"}:
                if {alias.name for alias in node.names} & {"flow", "task"}:
                    touching.add(named(path))
            elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"prefect.flow", "prefect.task"}:
                touching.add(named(path))
    assert {name for name in touching if not name.startswith("infrastructure/bench/")} == {"tasks/durable.py"}


@pytest.mark.parametrize("path", OURS, ids=named)
def test_importing_does_nothing(path: Path):
    """No clock, no environment, no network, no process: only definitions."""
    assert not list(_deeds_on_import(tree(path)))


def _deeds_on_import(module: ast.Module) -> Iterator[str]:
    for node in _run_on_import(module.body):
        said = ast.unparse(node)
        if isinstance(node, ast.Attribute) and said == "os.environ":
            yield said
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            reads_clock = called in CLOCKS or re.search(r"\b(date|datetime)\.(now|utcnow|today)$", called)
            starts = called.startswith(("subprocess.", "requests.")) or called in {"os.getenv", "open", "asyncio.run"}
            if reads_clock or starts or called in NETWORK:
                yield said


def _run_on_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Walk what runs when a module is imported: no function's body, but its defaults and decorators."""
    queue: list[ast.AST] = [node for node in body if not _only_as_program(node)]
    while queue:
        node = queue.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            queue += [*node.decorator_list, *node.args.defaults, *(x for x in node.args.kw_defaults if x)]
        elif isinstance(node, ast.Lambda):
            queue += [*node.args.defaults, *(x for x in node.args.kw_defaults if x)]
        else:
            queue += ast.iter_child_nodes(node)


def _only_as_program(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__ == '__main__'" in ast.unparse(node.test)


def test_deeds_on_import_are_noticed():
    bad = "import os\nHERE = os.environ['X']\nclass A:\n    at = datetime.now(UTC)\ndef f(at=time.time()): pass\n"
    good = "def f():\n    return os.environ\nCLOCK = lambda: time.time()\n"
    good += "if __name__ == '__main__':\n    asyncio.run(f())\n"
    assert len(list(_deeds_on_import(ast.parse(bad)))) == 3
    assert not list(_deeds_on_import(ast.parse(good)))


WHAT_THE_DOORS_LOAD = """
import json, sys
import infrastructure.doors.__main__
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_the_doors_load_no_prefect_no_process_no_frames():
    command = [sys.executable, "-c", WHAT_THE_DOORS_LOAD]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S603
    assert not {"prefect", "flows", "polars", "tests"} & set(json.loads(told))


def test_the_contracts_between_the_rooms_hold(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    configuration = read_configuration(str(ROOT / "pyproject.toml"))
    assert len(configuration["contracts_options"]) >= 5
    assert use_cases.lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) is True


def test_nothing_of_our_own_is_mocked():
    for path in modules("tests"):
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            assert "mock" not in f"{module} {' '.join(names)}", named(path)


def test_nothing_committed_speaks_of_one_machine_or_one_registry():
    speaking = []
    for path in committed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        speaking += [f"{named(path)}: {word}" for word in ELSEWHERE if word in text]
    assert not speaking
