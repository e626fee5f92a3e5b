"""The only module that prints: data on stdout, everything else on stderr."""

from __future__ import annotations

import os
import select
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from imalink.core.finding import Finding, Severity
from imalink.errors import ImalinkError, UsageError

_MARKS = {Severity.INFO: "·", Severity.WARNING: "!", Severity.ERROR: "✗"}
_SHOWN_OF_A_KIND = 5
_LOOK_UP_SECONDS = 0.1
_TYPED = bytearray()
"""What was typed ahead of the next question."""


def safe(text: str) -> str:
    """Give text that is safe on a terminal: control, bidi and undecodable characters escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if _is_plain(each) else each.encode("unicode_escape").decode() for each in text)


def show_json(document: object) -> None:
    """Print one JSON document on stdout, and nothing else. What a terminal might act on is escaped as JSON does."""
    import json

    import msgspec

    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    if not (text.isascii() and "\x7f" not in text):
        text = "".join(each if each == "\n" or _is_plain(each) else json.dumps(each)[1:-1] for each in text)
    sys.stdout.write(text + "\n")


def show_lines(lines: Iterable[str]) -> None:
    """Print lines for people on stdout."""
    for line in lines:
        sys.stdout.write(safe(line) + "\n")


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table for people on stdout: headings, then rows, in columns as wide as they need."""
    shown = [[safe(cell) for cell in row] for row in rows]
    widths = [max(_width(cell) for cell in column) for column in zip(headings, *shown, strict=True)]
    for row in ([*headings], *shown):
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def show_note(text: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(safe(text) + "\n")


def ask_line(prompt: str, *, is_stopping: Callable[[], bool]) -> str:
    """Print a prompt on stderr and read a line from stdin.

    The thread that asks is not the one that hears Ctrl-C, so it looks up now and then whether to stop. Raises EOFError
    at the end of the input, KeyboardInterrupt when it is to stop.
    """
    sys.stderr.write(safe(prompt))
    sys.stderr.flush()
    while b"\n" not in _TYPED:
        if is_stopping():
            raise KeyboardInterrupt
        ready, _, _ = select.select([sys.stdin], [], [], _LOOK_UP_SECONDS)
        if ready:
            data = os.read(sys.stdin.fileno(), 4096)
            if not data:
                raise EOFError
            _TYPED.extend(data)
    line, _, rest = bytes(_TYPED).partition(b"\n")
    _TYPED[:] = rest
    return line.decode(errors="replace")


def ask_secret(prompt: str) -> str:
    """Ask for what must not be seen while it is typed; where stdin is no terminal, give its next line.

    Raises UsageError where there is none.
    """
    import getpass

    if is_terminal():
        return getpass.getpass(safe(prompt), stream=sys.stderr)
    line = sys.stdin.readline()
    if not line:
        raise UsageError(
            "A password is needed, and there is no terminal to ask on. Nothing was changed.",
            hint="Give it as the first line of standard input.",
        )
    return line.rstrip("\r\n")


def show_error(error: ImalinkError) -> None:
    """Print what happened, and what to do next, on stderr."""
    sys.stderr.write(f"{_red('Error')}: {safe(error.message)}\n")
    if error.hint:
        sys.stderr.write(f"  {safe(error.hint)}\n")


def show_findings(findings: Sequence[Finding], *, is_verbose: bool) -> None:
    """Print findings on stderr by kind, the serious ones first; all of them, information too, when ``is_verbose``."""
    kinds: dict[tuple[bool, str], list[Finding]] = {}
    for finding in findings:
        if is_verbose or finding.severity is not Severity.INFO:
            kinds.setdefault((finding.severity is not Severity.ERROR, finding.code), []).append(finding)
    for _, alike in sorted(kinds.items(), key=lambda kind: kind[0][0]):
        shown = alike if is_verbose else alike[:_SHOWN_OF_A_KIND]
        for finding in shown:
            facts = ", ".join(f"{key}: {value}" for key, value in finding.facts.items() if value != "")
            tail = f" ({facts})" if facts else ""
            sys.stderr.write(f"  {_MARKS[finding.severity]} {safe(finding.path)}: {finding.message}{safe(tail)}\n")
        if len(alike) > len(shown):
            more = len(alike) - len(shown)
            sys.stderr.write(f"  … and {more:,} more like these; -v shows them all, --json lists them.\n")


def plural(count: int, one: str, many: str = "") -> str:
    """Give ``1 photo`` or ``1,234 photos``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size_text(size_bytes: int) -> str:
    """Give a size as people read it."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} TB"


def time_text(seconds: float) -> str:
    """Give a length of time as people read it: ``40 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def is_terminal() -> bool:
    """Tell whether a person can be asked: stdin and stderr are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _red(text: str) -> str:
    return f"\x1b[31m{text}\x1b[0m" if sys.stderr.isatty() and not os.environ.get("NO_COLOR") else text


def _is_plain(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ" or character == "\u00a0"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
