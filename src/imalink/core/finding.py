"""Findings: odd things seen on the way, as data with stable codes; never exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding asks of the user."""

    INFO = "info"
    """Nothing to do."""
    WARNING = "warning"
    """Worth a look; the result is complete as far as it can be."""
    ERROR = "error"
    """Something could not be done for this file."""


CODES: Mapping[str, tuple[Severity, str]] = {
    "same-picture": (
        Severity.INFO,
        "The same picture is already archived with other metadata; it was imported as a further version.",
    ),
    "duplicate-elsewhere": (
        Severity.INFO,
        "The same bytes are archived in another storage, where they were read and compared; not imported.",
    ),
    "duplicate-out-of-reach": (
        Severity.WARNING,
        "The same bytes are archived in a storage that cannot be reached now, so nothing proves them; not imported.",
    ),
    "further-copy": (
        Severity.INFO,
        "The same bytes are archived already; they came in as a further copy of the photo, as you chose.",
    ),
    "replaced": (
        Severity.INFO,
        "The file took the place of the archived one of the same picture, as you chose; that is kept in the trash.",
    ),
    "brought-back": (
        Severity.WARNING,
        "The archived file was missing or damaged; this one took its place. What was left of a damaged one is kept.",
    ),
    "replace-refused": (
        Severity.ERROR,
        "The archived file changed while the import was at work, so it was not replaced; this one was left out.",
    ),
    "duplicate-undecided": (
        Severity.WARNING,
        "The picture is archived already, and nobody said what to do with this file; it was left at the source.",
    ),
    "deleted-before": (
        Severity.INFO,
        "You deleted this picture before, so it was left at the source; --include-deleted takes it in again.",
    ),
    "placed-elsewhere": (
        Severity.WARNING,
        "The folder where the picture belongs cannot be written, so it was put into the photo folder itself.",
    ),
    "not-a-picture": (Severity.WARNING, "The file is not a picture ImaLink knows and was left at the source."),
    "hidden-pictures": (
        Severity.WARNING,
        "There are pictures under a hidden name, which an import passes over; they stayed at the source.",
    ),
    "empty-file": (Severity.WARNING, "The file has no bytes; there is nothing to archive."),
    "picture-damaged": (
        Severity.WARNING,
        "The picture's structure is broken; its bytes are archived as they are and identified by the whole file.",
    ),
    "kind-mismatch": (Severity.INFO, "The content is of another kind than the file name says."),
    "preview-failed": (
        Severity.WARNING,
        "The picture could not be decoded, so it has no preview; its bytes are archived.",
    ),
    "preview-from-thumbnail": (
        Severity.WARNING,
        "The picture could not be decoded; its preview shows the small picture the camera put into the file.",
    ),
    "decode-crashed": (
        Severity.WARNING,
        "The picture twice ended the process that decoded it, so it has no preview; its bytes are archived.",
    ),
    "picture-too-large": (
        Severity.WARNING,
        "The picture has more pixels than the limit, so it was not decoded; its bytes are archived.",
    ),
    "metadata-unreadable": (Severity.INFO, "A metadata block of the picture could not be read."),
    "companion-without-picture": (
        Severity.WARNING,
        "A sidecar or other companion has no picture beside it and was left at the source.",
    ),
    "companion-of-duplicate": (
        Severity.WARNING,
        "The picture is archived already, but not this sidecar of it; it was left at the source.",
    ),
    "source-unreadable": (Severity.ERROR, "The source file or folder could not be read; the rest was imported."),
    "source-changed": (
        Severity.ERROR,
        "The source file changed while it was copied, three times over; it was not imported.",
    ),
    "source-stalled": (
        Severity.ERROR,
        "The disk of the source file did not answer for a long time; it was not imported, the rest was.",
    ),
    "source-symlink": (Severity.WARNING, "A symbolic link in the source was not followed."),
    "source-special": (Severity.WARNING, "A socket, pipe or device in the source was not read."),
    "verification-failed": (Severity.ERROR, "The copy did not read back as written; it was not imported."),
    "name-not-utf8": (Severity.INFO, "The file name is not UTF-8; it is kept byte for byte."),
    "name-too-long": (Severity.ERROR, "The path is longer than an index may hold; the file was left at the source."),
    "storage-symlink": (Severity.INFO, "A symbolic link in the storage was not followed."),
    "storage-special": (Severity.INFO, "A socket, pipe or device in the storage was not read."),
    "storage-unreadable": (Severity.ERROR, "A file or folder in the storage could not be read."),
    "removal-put-off": (
        Severity.WARNING,
        "Part of the storage could not be looked at, or changed meanwhile, so missing files were kept in the index.",
    ),
    "foreign-storage-inside": (Severity.WARNING, "Another storage lies inside this folder and was not walked."),
    "index-damaged": (
        Severity.ERROR,
        "An index file was damaged; it was kept as a backup and rebuilt from the commits and other indexes.",
    ),
    "index-missing": (
        Severity.WARNING,
        "An index file was gone; whatever works on the storage makes it again from the commits and other indexes.",
    ),
    "storage-set-back": (
        Severity.ERROR,
        "The storage stands as it did some time ago: an index no longer said what it had said here before. It was "
        "completed from the catalog, and pictures that are gone from the disk are missing.",
    ),
    "index-unreadable": (
        Severity.ERROR,
        "An index file cannot be believed; it was only looked at and stands as it was.",
    ),
    "index-too-large": (
        Severity.ERROR,
        "An index file has more in it than is read of such a file, least of all of a stranger's; it was left unread.",
    ),
    "name-twins": (
        Severity.WARNING,
        "Two files have one name, but for upper and lower case or how an accent is spelt; some disks keep only one.",
    ),
    "index-edited": (
        Severity.INFO,
        "An index file was changed by another program; what it derives was rebuilt, keys unknown to ImaLink were kept.",
    ),
    "signature-repaired": (
        Severity.WARNING,
        "The signature was gone or damaged; it was written again as the storage's commits and indexes have it.",
    ),
    "signature-damaged": (
        Severity.ERROR,
        "The signature is gone or damaged; all else says which storage it is, so it was read, and nothing was written.",
    ),
    "journal-damaged": (
        Severity.ERROR,
        "A journal or commit has an unreadable line; everything from there on is void.",
    ),
    "run-interrupted": (
        Severity.WARNING,
        "An earlier import was interrupted; what it had brought whole is kept, the rest is as if never begun.",
    ),
    "left-in-place": (
        Severity.WARNING,
        "The picture could not be moved, so its files stand where they stood, and the index says so.",
    ),
    "companion-missing": (Severity.WARNING, "A sidecar or other companion of a picture is not there any more."),
    "file-missing": (
        Severity.ERROR,
        "The file does not stand where the index has it; if you moved it, a re-index will find it.",
    ),
    "file-misplaced": (
        Severity.WARNING,
        "Another archived file stands in its place, as after moving by hand; a re-index will follow it.",
    ),
    "metadata-edited": (
        Severity.WARNING,
        "Another program wrote metadata into the file; the picture is the archived one. A re-index takes it in.",
    ),
    "bit-rot-suspected": (
        Severity.ERROR,
        "The file's bytes changed although nobody wrote it: the disk may be failing.",
    ),
    "file-unreadable": (Severity.ERROR, "The device does not give the file's bytes, or may not be read."),
    "preview-damaged": (Severity.WARNING, "A preview is gone or spoilt; it can be made again from its picture."),
    "manifest-damaged": (
        Severity.WARNING,
        "A manifest does not say what its session index says; it can be written again.",
    ),
    "copy-damaged": (
        Severity.WARNING,
        "A copy that was looked at for its good bytes does not have them either, or cannot be read.",
    ),
    "heal-refused": (
        Severity.WARNING,
        "What stands there now is neither the damaged file nor the archived one, so it was left as it is.",
    ),
    "no-good-copy": (Severity.ERROR, "No good copy of the file can be reached now; it was left as it is."),
    "verification-not-noted": (
        Severity.WARNING,
        "What was found could not be written down in the storage; verify again when it can be.",
    ),
    "file-changed": (
        Severity.WARNING,
        "The file's bytes are not the ones that were archived: it was edited since, or damaged.",
    ),
    "storage-not-recovered": (Severity.ERROR, "A storage could not be read, so nothing was recovered from it."),
    "storage-not-backed-up": (
        Severity.WARNING,
        "A storage could not be read, so its indexes are not in the backup.",
    ),
    "backup-damaged": (Severity.ERROR, "A file of the backup is not as it was written; it was left out."),
    "storage-not-restored": (
        Severity.WARNING,
        "A storage could not be looked at, so no lost index file was put back into it.",
    ),
    "storage-not-rehearsed": (Severity.ERROR, "The storage's own files could not be copied for the drill."),
    "pictures-out-of-reach": (
        Severity.WARNING,
        "The folder of the storage's pictures is not there now; its sessions are known, its files were not looked for.",
    ),
    "pictures-without-session": (
        Severity.WARNING,
        "Pictures stand there, but no index tells of a session, so none of them came into the catalog.",
    ),
    "storage-copy": (Severity.WARNING, "A second folder carries the same storage's signature; it was left out."),
    "storage-read-only": (Severity.WARNING, "The storage cannot be written, so it was taken as it is."),
    "file-damaged": (Severity.ERROR, "The file's bytes are not the ones that were archived."),
    "session-number-changed": (
        Severity.INFO,
        "The session's number was taken in this catalog, so it has another number here; its file keeps its name.",
    ),
}
"""Every finding code with its severity and one sentence. docs/reference/findings.md lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One odd thing seen: which, where, and the facts of the case.

    ``path`` is as the user knows it (relative to the source or storage). ``facts`` are short plain
    values for people and scripts.
    """

    code: str
    path: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict[str, str | int])

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unknown finding code {self.code!r}")

    @property
    def severity(self) -> Severity:
        """How much it asks of the user."""
        return CODES[self.code][0]

    @property
    def message(self) -> str:
        """The code's sentence, for people."""
        return CODES[self.code][1]
