"""Taking a failed import back at once, where its user asked for all or nothing."""

from __future__ import annotations

from collections.abc import Mapping

from imalink.core.progress import ROLLBACK_PHASE, Progress
from imalink.core.session import ImportSession
from imalink.errors import RUN_AGAIN, CancelledError, ImalinkError
from imalink.workflows.rollback_session import rollback_session
from imalink.workflows.tools import Tools


class _Unstoppable:
    """Tells another how far it is, under a name of its own, and does not stop: the user asked for all or nothing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase of the rollback."""
        self._progress.start_phase(ROLLBACK_PHASE, total_files=total_files, total_bytes=total_bytes)

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        """Count."""
        self._progress.advance(files=files, size_bytes=size_bytes, current=current, phase=ROLLBACK_PHASE)

    def stalled(self, current: str, seconds: float) -> None:
        """Pass it on."""
        self._progress.stalled(current, seconds)

    def tell(self, counts: Mapping[str, int]) -> None:
        """Pass it on."""
        self._progress.tell(counts)

    def checkpoint(self) -> None:
        """Go on."""


def take_back_failed(tools: Tools, session: ImportSession, error: ImalinkError, progress: Progress) -> bool:
    """Roll back a session that failed with ``error``, and let the error say so; give whether that could be done.

    Nothing is removed for good: what had come in goes to the trash, as by ``sessions rollback``. Where the storage does
    not allow it now, the error says how to do it later. The storage is not locked by the caller.
    """
    try:
        report = rollback_session(tools, session.session_uuid, progress=_Unstoppable(progress))
    except ImalinkError as trouble:
        error.message += f" What came in could not be taken back now: {trouble.message}"
        first = error.hint.replace(RUN_AGAIN, ".")
        error.hint = f"{first} `imalink sessions rollback {session.number}` takes it back.".strip()
        return False
    error.message += " The import was taken back, as you asked: "
    if report.files:
        count = len(report.files)
        error.message += f"the {count:,} file{'s' * (count != 1)} that had come in went to the trash. "
    else:
        error.message += "nothing of it is in the storage. "
    if report.staying:
        count = len(report.staying)
        error.message += (
            f"{count:,} file{'s' * (count != 1)} stayed: imalink sessions rollback {session.number} -n says why. "
        )
    error.message += "The source was only read, and is still needed."
    if isinstance(error, CancelledError):
        error.hint = "Import again when you like."
    return True
