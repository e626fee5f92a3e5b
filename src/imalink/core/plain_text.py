"""Names, titles and descriptions that people give: which characters they may have, so that all see what was meant.

A control character can end a line of a log or move the cursor of a terminal, and what turns the direction of writing
can make one name look like another. What such a name is already given, by a program or a drive of somebody else, is
kept and shown escaped; only new ones are refused.
"""

from __future__ import annotations

import re
from typing import Final

from imalink.errors import UsageError

_TURNING = r"\u2028-\u202e\u2066-\u2069"
LINE_PATTERN: Final = rf"^[^\x00-\x1f\x7f-\x9f{_TURNING}]*$"
"""What one line is like, in the words of a JSON schema; half letters cannot be said there."""
TEXT_PATTERN: Final = rf"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_TURNING}]*$"
"""What text of several lines is like: with line breaks and tabs."""

_NOT_IN_A_LINE: Final = re.compile(rf"[\x00-\x1f\x7f-\x9f{_TURNING}\ud800-\udfff]")
_NOT_IN_TEXT: Final = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_TURNING}\ud800-\udfff]")


def check_line(text: str, what: str) -> str:
    """Give ``text`` if it is one plain line. Raises UsageError, in which ``what`` names it."""
    return _checked(text, what, _NOT_IN_A_LINE)


def check_text(text: str, what: str) -> str:
    """Give ``text`` if it is plain, in one line or several. Raises UsageError, in which ``what`` names it."""
    return _checked(text, what, _NOT_IN_TEXT)


def escaped(text: str) -> str:
    """Give text with all that no plain line has escaped, for where it is shown to people and programs."""
    return _NOT_IN_A_LINE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _checked(text: str, what: str, refused: re.Pattern[str]) -> str:
    found = refused.search(text)
    if found is not None:
        raise UsageError(
            f"The {what} {text!r} has the character U+{ord(found[0]):04X}, which is no text. Nothing was changed.",
            hint="Leave it out.",
        )
    return text
