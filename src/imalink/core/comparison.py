"""What is known of a storage's files laid beside what a walk saw: unchanged, changed, gone, appeared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from imalink.core.damage import Damage
from imalink.core.ids import FILE_METHOD, Hothash, HothashMethod, SessionUuid, Sha256
from imalink.core.index import FileStatus, MasterIndex
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile


class FileRole(StrEnum):
    """What a known file is to its storage."""

    MAIN = "main"
    COPY = "copy"
    COMPANION = "companion"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file the index knows at a path; ``hothash`` of a companion is its picture's."""

    path: RelativePath
    role: FileRole
    hothash: Hothash | None
    sha256: Sha256 | None
    size_bytes: int
    modified_ns: int
    session_uuid: SessionUuid | None
    session_number: int | None
    is_missing: bool = False
    inode: int | None = None
    method: HothashMethod | None = None
    damage: Damage | None = None

    def is_broken_by(self, found: Fingerprint) -> bool:
        """Tell whether what was found is no picture of any kind any more, while this file was one."""
        return self.method is not None and found.method == FILE_METHOD != self.method

    @property
    def is_picture(self) -> bool:
        """Whether it is an image file that an entry names, and not a companion or an orphan."""
        return self.role in (FileRole.MAIN, FileRole.COPY)

    def indexed_hothash(self) -> Hothash:
        """Give the hothash of a file that an entry names; only what belongs to no session may have none."""
        assert self.hothash is not None, f"{self.path} is indexed without a hothash"
        return self.hothash


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFiles:
    """What an index knows, by path; ``displaced`` are missing pictures at whose last place another file is known."""

    by_path: Mapping[RelativePath, KnownFile]
    displaced: tuple[KnownFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Known and seen laid side by side, by path; nothing has been read yet."""

    unchanged: Mapping[RelativePath, KnownFile]
    changed: Mapping[RelativePath, KnownFile]
    gone: Mapping[RelativePath, KnownFile]
    appeared: Mapping[RelativePath, ScannedFile]
    unreachable: Mapping[RelativePath, KnownFile]
    displaced: tuple[KnownFile, ...] = ()

    def absent(self) -> Iterator[KnownFile]:
        """Give what does not stand where it is known: gone now, or missing and its name another's."""
        yield from self.gone.values()
        yield from self.displaced

    @property
    def is_same(self) -> bool:
        """Whether nothing has to be looked at."""
        return not (self.changed or self.appeared or any(not file.is_missing for file in self.gone.values()))


def known_files(master: MasterIndex, inodes: Mapping[RelativePath, int] = {}) -> KnownFiles:
    """List by path every file the master knows; ``inodes`` are those of this machine's last walk, where stable."""
    known: dict[RelativePath, KnownFile] = {}
    missing: list[KnownFile] = []
    for orphan in master.orphans:
        known[orphan.path] = KnownFile(
            path=orphan.path,
            role=FileRole.ORPHAN,
            hothash=orphan.fingerprint.hothash if orphan.fingerprint else None,
            sha256=orphan.fingerprint.sha256 if orphan.fingerprint else None,
            size_bytes=orphan.size_bytes,
            modified_ns=orphan.modified_ns,
            session_uuid=None,
            session_number=None,
            inode=inodes.get(orphan.path),
        )
    for entry in master.files.values():
        for companion in entry.companions:
            known[companion.relative_path] = KnownFile(
                path=companion.relative_path,
                role=FileRole.COMPANION,
                hothash=entry.hothash,
                sha256=companion.sha256,
                size_bytes=companion.size_bytes,
                modified_ns=companion.modified_ns,
                session_uuid=entry.session_uuid,
                session_number=entry.session_number,
                inode=inodes.get(companion.relative_path),
                damage=companion.damage,
            )
        first_of: set[SessionUuid] = set()
        for place in entry.places():
            role = FileRole.COPY if place.session_uuid in first_of else FileRole.MAIN
            first_of.add(place.session_uuid)
            file = KnownFile(
                path=place.relative_path,
                role=role,
                hothash=entry.hothash,
                sha256=place.sha256,
                size_bytes=place.size_bytes,
                modified_ns=place.modified_ns,
                session_uuid=place.session_uuid,
                session_number=place.session_number,
                is_missing=place.status is FileStatus.MISSING,
                inode=inodes.get(place.relative_path),
                method=entry.method,
                damage=place.damage,
            )
            if file.is_missing:
                missing.append(file)
            else:
                known[file.path] = file
    displaced = tuple(file for file in missing if known.setdefault(file.path, file) is not file)
    return KnownFiles(by_path=known, displaced=displaced)


def compare(
    known: KnownFiles,
    seen: Mapping[RelativePath, ScannedFile],
    *,
    reread_all: bool,
    is_unseen: Callable[[RelativePath], bool] = lambda _: False,
) -> Comparison:
    """Lay known and seen files side by side.

    A file is unchanged when size, time and (where known) inode are what they were, unless it is known to be damaged;
    ``reread_all`` trusts none of that. ``is_unseen`` tells what the walk could not look at: such files are unreachable,
    never gone.
    """
    unchanged: dict[RelativePath, KnownFile] = {}
    changed: dict[RelativePath, KnownFile] = {}
    gone: dict[RelativePath, KnownFile] = {}
    unreachable: dict[RelativePath, KnownFile] = {}
    for path, file in known.by_path.items():
        now = seen.get(path)
        if now is None:
            (unreachable if is_unseen(path) else gone)[path] = file
        elif (
            not reread_all
            and file.damage is None
            and not file.is_missing
            and now.size_bytes == file.size_bytes
            and now.modified_ns == file.modified_ns
            and (file.inode is None or now.inode == file.inode)
        ):
            unchanged[path] = file
        else:
            changed[path] = file
    return Comparison(
        unchanged=unchanged,
        changed=changed,
        gone=gone,
        appeared={path: file for path, file in seen.items() if path not in known.by_path},
        unreachable=unreachable,
        displaced=known.displaced,
    )


def moves_by_inode(comparison: Comparison) -> dict[RelativePath, KnownFile]:
    """Match appeared files to gone ones by inode, size and time: new path → the file it was.

    Only where each side has exactly one candidate. The caller decides whether inodes are stable there.
    """
    gone: dict[tuple[int, int, int], list[KnownFile]] = defaultdict(list)
    for file in comparison.gone.values():
        if file.inode is not None and not file.is_missing:
            gone[file.inode, file.size_bytes, file.modified_ns].append(file)
    matches: dict[RelativePath, KnownFile] = {}
    taken: set[RelativePath] = set()
    for path, now in sorted(comparison.appeared.items()):
        candidates = gone.get((now.inode, now.size_bytes, now.modified_ns), [])
        # A renamed file is read: the inode of a deleted one may have been given to another of the same size and time.
        is_only = len(candidates) == 1 and candidates[0].path not in taken
        if is_only and candidates[0].path.name == path.name:
            matches[path] = candidates[0]
            taken.add(candidates[0].path)
    return matches
