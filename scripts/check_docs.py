"""Check the documentation: links resolve, every code and command is described, no machine is named.

Run from anywhere: ``python scripts/check_docs.py [project folder]``. Prints one line a problem, and exits 1 if there
are any.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

PROJECT = Path(__file__).resolve().parent.parent

_FENCE = re.compile(r"^([ \t]*)(```|~~~).*?^\1\2[^\n]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"(?<!\\)\[[^\]\n]*(?:\n[^\]\n]+)?\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_NAMED_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
_TEST = re.compile(r"`(tests/[\w/.-]+\.py)(?:::(test_\w+))?`")
# Spelled so that this file does not name what it looks for.
_MACHINE = re.compile(r"/w[o]rk/[a-z.]|/r[o]ot/|index-[u]rl|pypi\.org/[s]imple|files\.python[h]osted|registry\.[n]pmjs")


def documents(project: Path) -> list[Path]:
    """List the files that make up the documentation."""
    top = [project / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [path for path in top if path.is_file()] + sorted((project / "docs").rglob("*.md"))


def anchors(text: str) -> set[str]:
    """Give the anchors of a page as the usual hosts make them: lower case, blanks to hyphens, repeats numbered."""
    text = _FENCE.sub("", text)
    found: set[str] = set(_NAMED_ANCHOR.findall(text))
    seen: Counter[str] = Counter()
    for heading in _HEADING.findall(text):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken_links(project: Path) -> Iterator[str]:
    """Tell of every relative link whose file or anchor is not there."""
    for page in documents(project):
        text = page.read_text(encoding="utf-8")
        prose = _CODE.sub("", _FENCE.sub("", text))
        for target in [*_LINK.findall(prose), *_REFERENCE.findall(prose)]:
            if re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
                continue
            where, _, anchor = unquote(target).partition("#")
            file = (page.parent / where).resolve() if where else page
            name = page.relative_to(project).as_posix()
            if not file.is_relative_to(project):
                yield f"{name}: link leaves the project: {target}"
            elif not file.exists():
                yield f"{name}: no such file: {target}"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
                yield f"{name}: no such heading: {target}"


def absent_tests(project: Path) -> Iterator[str]:
    """Tell of every test that a page names as proof and that is not there."""
    for page in documents(project):
        for name, test in sorted(set(_TEST.findall(page.read_text(encoding="utf-8")))):
            file = project / name
            if not file.is_file():
                yield f"{page.relative_to(project).as_posix()}: no such test: {name}"
            elif test and f"def {test}(" not in file.read_text(encoding="utf-8"):
                yield f"{page.relative_to(project).as_posix()}: no such test: {name}::{test}"


def undescribed(reference: str, wanted: Iterable[str], what: str) -> Iterator[str]:
    """Tell of every word of ``wanted`` that does not stand in the reference pages as code."""
    for word in sorted(set(wanted)):
        if not re.search(rf"`{re.escape(word)}[`\s]|^\s*(?:\$ )?{re.escape(word)}(?:\s|$)", reference, re.MULTILINE):
            yield f"docs/reference: {what} `{word}` is not described"


def error_codes() -> set[str]:
    """Give the code of every error ImaLink raises."""
    from imalink.errors import ImalinkError

    def walk(error: type[ImalinkError]) -> Iterator[str]:
        yield error.code
        for below in error.__subclasses__():
            yield from walk(below)

    return {code for below in ImalinkError.__subclasses__() for code in walk(below)}


def commands() -> set[str] | None:
    """Give every command of the command line, as typed; None while there is no command line."""
    if importlib.util.find_spec("imalink.cli") is None or importlib.util.find_spec("imalink.cli.main") is None:
        return None
    import click

    groups = [
        value for value in vars(importlib.import_module("imalink.cli.main")).values() if isinstance(value, click.Group)
    ]
    if not groups:
        raise SystemExit("imalink.cli.main holds no click group, so its commands cannot be listed")
    root = max(groups, key=lambda group: len(group.commands))

    def walk(command: click.Command, typed: str) -> Iterator[str]:
        if isinstance(command, click.Group):
            for name, below in command.commands.items():
                if not below.hidden:
                    yield from walk(below, f"{typed} {name}")
        else:
            yield typed

    return set(walk(root, "imalink"))


def machine_paths(project: Path) -> Iterator[str]:
    """Tell of every line of a committed text file that names this machine or a package registry."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=project, capture_output=True, text=True, check=False
    )
    names = listed.stdout.split("\0")[:-1] if listed.returncode == 0 else []
    files = {project / name for name in names} | set(documents(project))
    here = re.compile(re.escape(f"{project}/"))
    for file in sorted(path for path in files if path.is_file() and not path.is_symlink()):
        data = file.read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if _MACHINE.search(line) or here.search(line):
                where = f"{file.relative_to(project).as_posix()}:{number}"
                yield f"{where}: names a machine or a registry: {line.strip()[:80]}"


def problems(project: Path) -> Iterator[str]:
    """Tell of everything wrong, one line each."""
    from imalink.core.finding import CODES

    yield from broken_links(project)
    yield from absent_tests(project)
    yield from machine_paths(project)
    pages = sorted((project / "docs" / "reference").glob("*.md"))
    reference = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    yield from undescribed(reference, CODES, "finding")
    yield from undescribed(reference, error_codes(), "error")
    typed = commands()
    if typed is None:
        print("check_docs: no command line yet, so no commands were checked")
    else:
        yield from undescribed(reference, typed, "command")


def main() -> int:
    project = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else PROJECT
    found = list(problems(project))
    for line in found:
        print(line)
    print(f"check_docs: {len(found)} problems" if found else "check_docs: the documentation holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
