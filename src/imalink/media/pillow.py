"""Load Pillow late and keep it from talking."""

from __future__ import annotations

import warnings
from typing import Final

_MODULE: Final = r"PIL\."


def quiet_pillow() -> None:
    """Have Pillow's warnings ignored; call it before handing Pillow bytes from a file.

    It warns of each odd tag, thousands of times for a hostile block, and whoever runs us may have made warnings
    exceptions. ``warnings.catch_warnings`` is not safe between threads, hence one filter for Pillow alone that stays.
    """
    first = warnings.filters[0][3] if warnings.filters else None
    if getattr(first, "pattern", None) != _MODULE:
        warnings.filterwarnings("ignore", module=_MODULE)
