"""A way to count what was tried."""

from __future__ import annotations

from tests.crash.conftest import report_count

__all__ = ["report_count"]
