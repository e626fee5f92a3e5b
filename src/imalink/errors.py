"""Every exception ImaLink raises on purpose.

ImalinkError                      code, message (what happened and what is safe), hint (what to do next)
├── UsageError                    the request itself cannot be carried out
│   ├── InvalidPathError          a relative path that may not stand in an index
│   ├── NestedSourceError         source inside the storage, or the storage inside the source
│   ├── AmbiguousError            a prefix or name that fits several
│   ├── UndoRefusedError          an operation that cannot be undone as things are
│   ├── WrongStateError           what is asked could be done, but not as things are
│   ├── NameInUseError            a storage of that name is known already
│   ├── SessionInUseError         a session that brought something cannot be deleted
│   ├── AuthorInUseError          an author of whom sessions are is not taken away
│   ├── StorageInUseError         a storage that sessions are known in is not forgotten unasked
│   └── FolderRefusedError        a folder that may not be named over HTTP
├── StaleViewError                what was looked at is otherwise by now
├── NotFoundError                 no such storage, session, photo or folder
│   └── FileMissingError          a file does not stand where the index has it, and its storage does
├── StorageError                  trouble on the storage side: the operation stops
│   ├── StorageUnavailableError   the storage cannot be used now
│   │   ├── StorageOfflineError   nothing of it can be reached there
│   │   ├── ForeignStorageError   another storage stands at that place
│   │   └── SignatureDamagedError our files, but no readable signature
│   ├── OutOfSpaceError           the device is full
│   ├── StorageReadOnlyError      the device or folder cannot be written
│   ├── StorageIoError            the device reported an I/O error
│   ├── StorageLockedError        another process or machine is working there
│   │   └── StorageBusyError      another job of this very process is working there
│   ├── IndexChangedError         another replaced an index file while this one was folded
│   ├── NewerFormatError          written by a newer ImaLink: read only
│   ├── NameTakenError            a placement would have overwritten a file
│   └── UnsafePathError           a path that leaves the storage or goes through a link
├── IndexDamagedError             an index file that cannot be believed; names the place
│   └── IndexTooLargeError        one that would take more memory than such a file may; it was not read
├── VerificationError             a copy that does not read back as written
├── SourceError                   trouble on the source side: a finding for that file
│   ├── SourceChangedError        the source file changed while it was copied
│   ├── SourceStalledError        the disk of a source file did not answer
│   └── SourceOfflineError        the folder that an import goes on with is not there
├── MassMissingError              a re-index would mark suspiciously many files missing
├── CatalogError                  the database cannot be used
│   └── CatalogDamagedError       its file is damaged: recover makes a new one
├── MachineShortageError          the machine is short of memory, processes or open files
├── TooManyJobsError              as much work waits as may wait
├── ServerEndingError             the server ends, and what was asked for was not done to its end
├── PreviewBusyError              a preview is not made yet, or too many are being made
├── AccessError                   who asks may not have this
│   ├── LoginNeededError          one has to log in for it
│   ├── LoginRefusedError         the name, the password or the token is wrong, or counts no more
│   ├── TooManyTriesError         too many wrong ones: the next try has to wait
│   └── NotAllowedError           whoever it is may not do that
├── ServerUnreachableError        no server answers the Python client
└── CancelledError                the user stopped the work at a safe point

A bug is none of these and is let fly. Interfaces map the classes to exit codes and HTTP statuses in one
table each (``cli/errors.py``).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

RUN_AGAIN = ", then run the same command again."
"""How the hint ends of an error after which nothing else is to be done; what has a command of its own puts it there."""


class ImalinkError(Exception):
    """Something ImaLink cannot go on with, told in words a user can act on.

    ``code`` is stable kebab-case; ``message`` says what happened and what is safe; ``hint`` names the
    next step, with the command that helps.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ImalinkError):
    """The request itself cannot be carried out.

    ``field`` names the one part of it whose value is to blame, where it is one.
    """

    code = "usage"

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


@contextmanager
def of_field(name: str) -> Generator[None]:
    """Say of a UsageError of this block, though not of its further kinds, that the value of this field is to blame."""
    try:
        yield
    except UsageError as error:
        if type(error) in (UsageError, InvalidPathError):
            error.field = error.field or name
        raise


class InvalidPathError(UsageError):
    """A relative path that may not stand in an index."""

    code = "invalid-path"


class NestedSourceError(UsageError):
    """The source lies inside the storage, or the storage inside the source."""

    code = "nested-source"


class StaleViewError(ImalinkError):
    """What was looked at is otherwise by now, so that its positions mean other photos."""

    code = "stale-rev"


class NotFoundError(ImalinkError):
    """No such storage, session, photo or folder."""

    code = "not-found"


class FileMissingError(NotFoundError):
    """No file of a picture stands where the indexes have it, though all its storages can be reached."""

    code = "file-missing"


class AmbiguousError(UsageError):
    """A prefix or name that fits several things."""

    code = "ambiguous"


class UndoRefusedError(UsageError):
    """An operation that cannot be undone as things are: changed since, undone already, or of what is gone for good."""

    code = "undo-refused"


class WrongStateError(UsageError):
    """What was asked for can be asked, but not of things as they are: the message says what is in the way."""

    code = "wrong-state"


class NameInUseError(UsageError):
    """A storage of that name is known already."""

    code = "name-in-use"


class SessionInUseError(UsageError):
    """A session that brought something, or is just bringing it, cannot be deleted."""

    code = "session-in-use"


class AuthorInUseError(UsageError):
    """An author of whom sessions are, or the user himself, cannot be taken away."""

    code = "author-in-use"


class StorageInUseError(UsageError):
    """A storage in which sessions are known is forgotten only by whoever says so twice."""

    code = "storage-in-use"


class FolderRefusedError(UsageError):
    """A folder that may not be named over HTTP: the system's, ImaLink's own, a hidden one, or one outside the roots."""

    code = "folder-refused"


class StorageError(ImalinkError):
    """Trouble on the storage side: the operation stops and its journal stays."""

    code = "storage-error"


class StorageUnavailableError(StorageError):
    """The storage cannot be used now."""

    code = "storage-unavailable"


class StorageOfflineError(StorageUnavailableError):
    """Nothing of the storage can be reached where it was last seen."""

    code = "storage-offline"


class ForeignStorageError(StorageUnavailableError):
    """Another storage stands at that place."""

    code = "storage-foreign"


class SignatureDamagedError(StorageUnavailableError):
    """Our indexes or commits are there, but the signature cannot be read."""

    code = "signature-damaged"


class OutOfSpaceError(StorageError):
    """The device is full."""

    code = "out-of-space"


class StorageReadOnlyError(StorageError):
    """The device or folder cannot be written."""

    code = "storage-read-only"


class StorageIoError(StorageError):
    """The device reported an I/O error."""

    code = "storage-io"


class StorageLockedError(StorageError):
    """Another process or machine is working on the storage."""

    code = "storage-locked"


class StorageBusyError(StorageLockedError):
    """Another job holds what this one needs, and it was not to wait for that."""

    code = "storage-busy"


class IndexChangedError(StorageError):
    """Another machine replaced an index file between this one's reading and replacing it; nothing was overwritten."""

    code = "index-changed"


class NewerFormatError(StorageError):
    """The storage was written by a newer ImaLink and is opened read-only."""

    code = "newer-format"


class NameTakenError(StorageError):
    """A placement would have overwritten a file; nothing was touched."""

    code = "name-taken"


class UnsafePathError(StorageError):
    """A path leaves the storage or goes through a symbolic link."""

    code = "unsafe-path"


class IndexDamagedError(ImalinkError):
    """An index file that cannot be believed.

    ``file`` is the index's path in the storage and ``place`` the spot inside it, such as
    ``files.<hothash>.relative_path``.
    """

    code = "index-damaged"

    def __init__(self, message: str, *, file: str = "", place: str = "", hint: str = "") -> None:
        where = ": ".join(part for part in (file, place) if part)
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.reason = message
        self.file = file
        self.place = place


class IndexTooLargeError(IndexDamagedError):
    """An index file has more bytes, or more values, than such a file may have; it was not taken into memory."""

    code = "index-too-large"


class VerificationError(ImalinkError):
    """A copy does not read back as it was written."""

    code = "verification-failed"


class SourceError(ImalinkError):
    """A source file or folder cannot be read."""

    code = "source-unreadable"


class SourceChangedError(SourceError):
    """A source file changed while it was copied, three times over."""

    code = "source-changed"


class SourceStalledError(SourceError):
    """The disk of a source file did not answer for so long that the file was given up."""

    code = "source-stalled"


class SourceOfflineError(SourceError):
    """The folder that an interrupted import was reading is not there now."""

    code = "source-offline"


class MassMissingError(ImalinkError):
    """A re-index would mark suspiciously many files missing; nothing was changed."""

    code = "mass-missing"


class CatalogError(ImalinkError):
    """The catalog database cannot be opened or is of another version."""

    code = "catalog"


class CatalogDamagedError(CatalogError):
    """The catalog's file is damaged; the storages hold all that was in it."""

    code = "catalog-damaged"


class MachineShortageError(ImalinkError):
    """The machine has not what the work needs: memory, processes, open files. It says nothing about any picture."""

    code = "machine-shortage"


class TooManyJobsError(ImalinkError):
    """As many jobs wait as may wait; nothing was begun."""

    code = "too-many-jobs"


class ServerEndingError(ImalinkError):
    """The server ends; what was asked for was stopped at a safe point, or not begun.

    ``go_on`` is the command that goes on with it, ``job_id`` the job that did it; empty where there is none.
    """

    code = "server-ending"

    def __init__(self, message: str, *, go_on: str = "", job_id: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.go_on = go_on
        self.job_id = job_id


class PreviewBusyError(ImalinkError):
    """A preview is still being made, or as many are being made as may wait for it; nothing is lost."""

    code = "preview-busy"


class AccessError(ImalinkError):
    """Who asks may not have what was asked for."""

    code = "access"


class LoginNeededError(AccessError):
    """One has to log in for it, or send a token."""

    code = "login-needed"


class LoginRefusedError(AccessError):
    """The name, the password or the token is wrong, or counts no more; which, is not told."""

    code = "login-refused"


class TooManyTriesError(AccessError):
    """Too many wrong tries: the next has to wait ``wait_seconds``; 0 where that is not known."""

    code = "too-many-tries"

    def __init__(self, message: str, *, wait_seconds: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.wait_seconds = wait_seconds


class NotAllowedError(AccessError):
    """Whoever asks is known, and may not do that."""

    code = "not-allowed"


class ServerUnreachableError(ImalinkError):
    """No server answers where the Python client asks."""

    code = "server-unreachable"


class CancelledError(ImalinkError):
    """The user stopped the work; it stopped at a safe point."""

    code = "cancelled"
