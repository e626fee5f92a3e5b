"""Explain why two files are, or are not, the same picture or photo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink import durable_files
from imalink.catalog import photos, shots
from imalink.core.finding import Finding
from imalink.core.ids import Hothash
from imalink.core.likeness import Likeness, Subject, compare_subjects
from imalink.errors import ImalinkError, MachineShortageError, NotFoundError, SourceError
from imalink.storage.root import StorageRoot
from imalink.workflows.find_file import get_pictures
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Two files or known pictures, and how they stand to each other."""

    first: Subject
    second: Subject
    likeness: Likeness


def explain(tools: Tools, first: str, second: str) -> Explanation:
    """Compare two files, or pictures the catalog knows by a hothash; nothing is written.

    A text that names a file is that file. Raises UsageError, NotFoundError, AmbiguousError, and SourceError for a file
    that cannot be read.
    """
    one, other = (_subject(tools, text) for text in (first, second))
    paths = Path(first), Path(second)
    is_one_file = all(path.exists() for path in paths) and paths[0].samefile(paths[1])
    return Explanation(first=one, second=other, likeness=compare_subjects(one, other, is_one_file=is_one_file))


def explain_pictures(tools: Tools, first: str, second: str) -> Explanation:
    """Compare two pictures the catalog knows, by hothashes or unique beginnings of them; no file is read.

    Raises UsageError, NotFoundError, AmbiguousError.
    """
    one, other = (_known(tools, text) for text in (first, second))
    return Explanation(first=one, second=other, likeness=compare_subjects(one, other, is_one_file=False))


def _subject(tools: Tools, text: str) -> Subject:
    path = Path(text)
    if path.exists():
        return _read_file(tools, path)
    try:
        return _known(tools, text)
    except ImalinkError as error:
        looks_like_a_path = "/" in text or path.suffix
        if not looks_like_a_path:
            raise
        raise NotFoundError(
            f"There is no file {text}.", hint="Name files by their paths, pictures by hothash."
        ) from error


def _known(tools: Tools, text: str) -> Subject:
    [picture] = get_pictures(tools, [text])
    with tools.catalog.read() as db:
        known = shots.find_images(db, [picture.hothash])[picture.hothash]
    place = picture.locations[0].relative_path if picture.locations else None
    return Subject(
        label=picture.hothash[:16],
        folder="" if place is None else place.rpartition("/")[0],
        name=picture.original_filename,
        hothash=picture.hothash,
        method=picture.method,
        sha256s=frozenset(location.sha256 for location in picture.locations),
        facts=known.facts,
        photo_uuid=picture.photo_uuid,
    )


def _read_file(tools: Tools, path: Path) -> Subject:
    # Links the user names are the user's own and are followed; FIFOs and devices are refused.
    file = Path(path.resolve())
    try:
        with StorageRoot.open(file.parent) as root:
            descriptor = durable_files.open_regular(root.calls, root.descriptor, file.name)
            try:
                fingerprint = tools.analyser.fingerprint(descriptor)
                analysis = tools.analyser.analyse(descriptor, filename=file.name)
            finally:
                root.calls.close(descriptor)
    except MachineShortageError:
        raise
    except (ImalinkError, OSError) as error:
        reason = error.message if isinstance(error, ImalinkError) else error.strerror or str(error)
        raise SourceError(f"{path} could not be read: {reason}") from error
    with tools.catalog.read() as db:
        photo = photos.find_photo(db, Hothash(fingerprint.hothash))
    return Subject(
        label=str(path),
        folder=str(file.parent),
        name=file.name,
        hothash=fingerprint.hothash,
        method=fingerprint.method,
        sha256s=frozenset((fingerprint.sha256,)),
        facts=analysis.facts,
        photo_uuid=None if photo is None else photo.photo.photo_uuid,
        damage=_damage(analysis.findings),
    )


def _damage(findings: tuple[Finding, ...]) -> str:
    return next((str(each.facts.get("reason", "")) for each in findings if each.code == "picture-damaged"), "")
