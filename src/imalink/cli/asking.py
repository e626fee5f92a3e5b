"""Asking on the terminal what to do with pictures that are archived already."""

from __future__ import annotations

from datetime import datetime

from imalink.cli.progress import LineProgress
from imalink.cli.render import (
    ask_line,
    show_note,
    size_text,
)
from imalink.core.duplicate import DuplicateAnswer, DuplicateChoice, DuplicateQuestion, DuplicateSide
from imalink.errors import CancelledError

_CHOICES = {"s": DuplicateChoice.SKIP, "k": DuplicateChoice.KEEP_BOTH}
_CHOICES_REPLACING = {**_CHOICES, "r": DuplicateChoice.REPLACE}
_PROMPT = "  [s]kip, [k]eep both; S or K for all that follow; q to stop: "
_PROMPT_REPLACING = "  [s]kip, [k]eep both, [r]eplace; S, K or R for all that follow; q to stop: "


class TerminalAsker:
    """Shows both sides of a duplicate and reads one letter; a capital is for all that follow."""

    def __init__(self, progress: LineProgress) -> None:
        self._progress = progress

    def ask(self, question: DuplicateQuestion) -> DuplicateAnswer:
        """Ask until the answer is one. Raises CancelledError for q, Ctrl-C and the end of the input."""
        choices, prompt = (_CHOICES_REPLACING, _PROMPT_REPLACING) if question.can_replace else (_CHOICES, _PROMPT)
        same = "byte for byte" if question.is_same_bytes else "the same picture with other metadata"
        with self._progress.paused():
            show_note(f"{question.source.name} is archived already, {same}:")
            show_note(f"  at the source:  {_side_text(question.source)}")
            show_note(f"  archived:       {_side_text(question.known)}, in {question.storage}")
            while True:
                try:
                    said = ask_line(prompt, is_stopping=self._progress.is_stopping).strip()
                except (KeyboardInterrupt, EOFError):
                    said = "q"
                if said in ("q", "Q"):
                    raise CancelledError(
                        "Stopped at your question. Nothing is lost: what came in so far is kept.",
                        hint="Run the same command again to go on.",
                    )
                choice = choices.get(said.lower())
                if choice is not None:
                    return DuplicateAnswer(choice=choice, is_for_all=said.isupper())


def _side_text(side: DuplicateSide) -> str:
    parts = [side.name]
    if side.size_bytes is not None:
        parts.append(f"{size_text(side.size_bytes)} ({side.size_bytes:,} bytes)")
    if side.modified_ns is not None:
        changed = datetime.fromtimestamp(side.modified_ns / 1e9).astimezone()
        parts.append(f"of {changed:%Y-%m-%d %H:%M:%S}")
    return ", ".join(parts)
