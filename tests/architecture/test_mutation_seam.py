"""Only ``durable_files`` and ``storage`` change files, and only ``cli/render.py`` prints.

A lint over the syntax tree: it knows names, not types, so it forbids every ``.unlink()`` and judges ``.replace(x)`` by
its shape. What it wrongly refuses goes into ``ALLOWED`` with the reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "imalink"
SEAM = ("durable_files/", "storage/")
PRINTER = "cli/render.py"

ALLOWED: Mapping[tuple[str, str], str] = {
    ("catalog/sqlite_engine.py", "os.open for writing"): "a new catalog's own file, empty, before SQLite opens it",
    ("cli/progress.py", "os.open for writing"): "the null device, for output whose terminal is gone",
}
"""Exceptions: (module below src/imalink, what the lint calls it) → why it is no change of a user's file."""

FORBIDDEN_CALLS = frozenset(
    {f"shutil.{name}" for name in ("copy", "copy2", "copyfile", "copyfileobj", "copymode", "copystat", "copytree")}
    | {f"shutil.{name}" for name in ("move", "rmtree", "chown", "make_archive", "unpack_archive")}
    | {f"os.{name}" for name in ("rename", "renames", "replace", "remove", "unlink", "removedirs", "rmdir")}
    | {f"os.{name}" for name in ("mkdir", "makedirs", "mkfifo", "mknod", "link", "symlink", "truncate", "ftruncate")}
    | {f"os.{name}" for name in ("write", "writev", "pwrite", "pwritev", "sendfile", "copy_file_range", "creat")}
    | {f"os.{name}" for name in ("chmod", "fchmod", "lchmod", "chown", "fchown", "lchown", "utime")}
    | {f"os.{name}" for name in ("setxattr", "removexattr", "posix_fallocate")}
)
FORBIDDEN_METHODS = frozenset(
    {"write_bytes", "write_text", "unlink", "rename", "touch", "mkdir", "rmdir"}
    | {"symlink_to", "hardlink_to", "chmod", "lchmod", "write_to_file"}
)
WRITING_FLAGS = frozenset({"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"})
OPENERS = frozenset({"open", "io.open", "builtins.open", "os.fdopen"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """One line that breaks a rule."""

    line: int
    what: str


def _imported_names(tree: ast.AST) -> dict[str, str]:
    """Every imported name with what it stands for, so that ``from os import rename as r`` hides nothing."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _full_name(node: ast.expr, imported: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return imported.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = _full_name(node.value, imported)
        return f"{owner}.{node.attr}" if owner else None
    return None


def _argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    for given in call.keywords:
        if given.arg == keyword:
            return given.value
    return call.args[position] if len(call.args) > position else None


def _may_write(mode: ast.expr | None, *, unknown: bool) -> bool:
    if mode is None:
        return False
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        return bool(re.fullmatch(r"[rwaxbtU+]+", mode.value) and re.search(r"[wax+]", mode.value))
    return unknown


def _call_offence(call: ast.Call, imported: Mapping[str, str]) -> str | None:
    name = _full_name(call.func, imported)
    if name in FORBIDDEN_CALLS:
        return name
    if name in OPENERS:
        return f"{name} for writing" if _may_write(_argument(call, 1, "mode"), unknown=True) else None
    if name == "os.open":
        flags = _argument(call, 1, "flags")
        parts = ast.walk(flags) if flags else ()
        used = {_full_name(part, imported) for part in parts if isinstance(part, ast.expr)}
        return "os.open for writing" if used & {f"os.{flag}" for flag in WRITING_FLAGS} else None
    if isinstance(call.func, ast.Attribute):
        method = call.func.attr
        if method in FORBIDDEN_METHODS:
            return f".{method}()"
        if method == "open" and _may_write(_argument(call, 0, "mode"), unknown=False):
            return ".open() for writing"
        # Path.replace takes one argument; str.replace two or more, datetime.replace keywords.
        first_is_plain = len(call.args) == 1 and not isinstance(call.args[0], ast.Starred)
        if method == "replace" and first_is_plain and not call.keywords:
            return ".replace()"
    return None


def find_mutations(source: str) -> list[Offence]:
    """List the calls in ``source`` that change the file system, and the imports that would hide them."""
    tree = ast.parse(source)
    imported = _imported_names(tree)
    offences: list[Offence] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            what = _call_offence(node, imported)
            if what:
                offences.append(Offence(line=node.lineno, what=what))
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "shutil"}:
            # Passed on as a value, it would be called where no lint sees it.
            full = (f"{node.module}.{alias.name}" for alias in node.names)
            hidden = sorted(name for name in full if name in FORBIDDEN_CALLS or name.endswith(".*"))
            offences.extend(Offence(line=node.lineno, what=f"import of {name}") for name in hidden)
    return offences


def find_prints(source: str) -> list[Offence]:
    """List the places in ``source`` that write to the terminal."""
    tree = ast.parse(source)
    imported = _imported_names(tree)
    loud = {"print", "builtins.print", "pprint.pprint", "click.echo", "click.secho", "rich.print"}
    loud |= {"sys.stdout.write", "sys.stderr.write"}
    found: list[Offence] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _full_name(node.func, imported)
            if name in loud:
                found.append(Offence(line=node.lineno, what=name))
    return found


def _modules() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")


def _told(module: str, offences: list[Offence]) -> list[str]:
    return [f"src/imalink/{module}:{offence.line}: {offence.what}" for offence in offences]


def test_only_the_seam_changes_files() -> None:
    offences = [
        line
        for module, source in _modules()
        if not module.startswith(SEAM)
        for line in _told(module, [o for o in find_mutations(source) if (module, o.what) not in ALLOWED])
    ]
    assert not offences, "go through imalink.durable_files or imalink.storage:\n" + "\n".join(offences)


def test_only_the_renderer_prints() -> None:
    offences = [
        line for module, source in _modules() if module != PRINTER for line in _told(module, find_prints(source))
    ]
    assert not offences, f"only {PRINTER} prints:\n" + "\n".join(offences)


def test_no_exception_outlives_its_cause() -> None:
    used = {(module, offence.what) for module, source in _modules() for offence in find_mutations(source)}
    assert set(ALLOWED) <= used


@pytest.mark.parametrize(
    "source",
    [
        "open('x', 'w')",
        "open('x', 'ab')",
        "open('x', mode='xb')",
        "open('x', 'r+')",
        "open('x', mode)",
        "import io; io.open('x', 'w')",
        "import os; os.fdopen(3, 'wb')",
        "path.open('w')",
        "path.open(mode='a')",
        "import shutil; shutil.copy('a', 'b')",
        "import shutil; shutil.copyfile('a', 'b')",
        "import shutil as s; s.copytree('a', 'b')",
        "from shutil import move as m",
        "import shutil; shutil.rmtree('a')",
        "import os; os.rename('a', 'b')",
        "import os as o; o.replace('a', 'b')",
        "from os import remove",
        "from os import *",
        "import os; os.unlink('a', dir_fd=3)",
        "import os; os.mkdir('a')",
        "import os; os.makedirs('a')",
        "import os; os.rmdir('a')",
        "import os; os.link('a', 'b')",
        "import os; os.symlink('a', 'b')",
        "import os; os.truncate('a', 0)",
        "import os; os.open('a', os.O_WRONLY)",
        "import os; os.open('a', os.O_RDWR | os.O_CLOEXEC)",
        "import os; os.open('a', flags=os.O_CREAT | os.O_EXCL)",
        "from os import O_RDWR; import os; os.open('a', O_RDWR)",
        "path.write_bytes(b'')",
        "(folder / 'x').write_text('')",
        "path.unlink(missing_ok=True)",
        "path.rename(other)",
        "path.replace(other)",
        "path.touch()",
        "path.mkdir(parents=True)",
        "path.rmdir()",
        "path.symlink_to(other)",
        "def f():\n    if True:\n        path.unlink()",
    ],
)
def test_the_mutation_lint_refuses(source: str) -> None:
    assert find_mutations(source)


@pytest.mark.parametrize(
    "source",
    [
        "open('x')",
        "open('x', 'rb')",
        "path.open('rb')",
        "archive.open('write.txt')",
        "import os; os.open('a', os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)",
        "import os; os.stat('a'); os.fsync(3); os.listdir('a')",
        "text.replace('a', 'b')",
        "moment.replace(tzinfo=None)",
        "from dataclasses import replace; replace(value, name='x')",
        "stream.write(b'')",
        "import shutil; shutil.disk_usage('a')",
    ],
)
def test_the_mutation_lint_lets_reading_be(source: str) -> None:
    assert find_mutations(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "print('x')",
        "from pprint import pprint; pprint({})",
        "import click; click.echo('x')",
        "from rich import print; print('x')",
        "import sys; sys.stdout.write('x')",
        "import sys\ndef f():\n    sys.stderr.write('x')",
    ],
)
def test_the_print_lint_refuses(source: str) -> None:
    assert find_prints(source)


def test_the_print_lint_lets_other_names_be() -> None:
    assert find_prints("report.print(); blueprint(); console.write('x')") == []
