"""The code blocks of the workflows page that the product grew from, by workflow, step and language.

They are read from the page itself where it is there, beside the project; else from the blocks as restated here, which a
test holds to be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.conftest import PROJECT

PAGE_FOLDER = PROJECT.parent / "shared" / "seeds"
RESTATED = Path(__file__).parent / "workflows.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One code block: the workflow or issue it stands in, the step, and its language."""

    workflow: str
    step: str
    language: str
    text: str


def find_page() -> Path | None:
    """Give the page, where it is there."""
    return next(iter(sorted(PAGE_FOLDER.glob("004_*.txt"))), None)


def read_blocks(path: Path) -> list[Block]:
    """Give the code blocks of a page in order."""
    blocks: list[Block] = []
    workflow, step, language = "", "", ""
    lines: list[str] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if lines is not None:
            if line.startswith("```"):
                blocks.append(Block(workflow=workflow, step=step, language=language, text="\n".join(lines) + "\n"))
                lines = None
            else:
                lines.append(line)
        elif line.startswith("```"):
            lines, language = [], line[3:].strip()
        elif line.startswith("### **Workflow "):
            workflow, step = "W" + line.split()[2].rstrip(":"), ""
        elif line.startswith("#### **"):
            title = line.strip("#* ")
            if title.startswith("Issue: "):
                workflow, step = title, ""
            else:
                step = title
    return blocks


def blocks_of(workflow: str, language: str | None = None) -> list[Block]:
    """Give the blocks of a workflow, such as ``W3``."""
    found = [
        block
        for block in read_blocks(find_page() or RESTATED)
        if block.workflow == workflow and language in (None, block.language)
    ]
    assert found, (workflow, language)
    return found
