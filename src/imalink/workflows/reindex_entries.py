"""Reading anew what the index tells of a picture: its facts, its preview, and what its sidecars add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from imalink.core.analyser import Analyser
from imalink.core.capture_fallback import capture_time_from_file, capture_time_from_name
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, photo_uuid_of
from imalink.core.index import FileEntry
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.errors import NotFoundError, StorageError
from imalink.storage.reading import FolderReader
from imalink.workflows.reindex_sidecars import TellingSidecars, with_sidecars


class EntryReader:
    """Reads entries of pictures in a storage, and collects their previews and what was odd."""

    def __init__(
        self, files: FolderReader, analyser: Analyser, *, seen: Mapping[RelativePath, ScannedFile], now: str
    ) -> None:
        self._files = files
        self._analyser = analyser
        self._seen = seen
        self._now = now
        self.hotpreviews: dict[Hothash, bytes] = {}
        self.findings: list[Finding] = []

    def read(self, path: RelativePath, fingerprint: Fingerprint, *, is_known: bool = False) -> FileEntry | None:
        """Read the facts of a changed file and make its preview; None when it cannot be read (again) just now.

        Of a file whose bytes are known only the facts are read: its preview and what is odd about it stand.
        """
        try:
            with self._files.open_for_reading(path) as descriptor:
                look = self._analyser.describe if is_known else self._analyser.analyse
                analysis = look(descriptor, filename=path.name)
        except (NotFoundError, StorageError):
            self.findings.append(Finding(code="storage-unreadable", path=path.printable()))
            return None
        if not is_known:
            self.findings.extend(replace(finding, path=path.printable()) for finding in analysis.findings)
        modified_ns = self._seen[path].modified_ns
        facts = analysis.facts
        if facts.capture_time is None:
            taken = capture_time_from_name(path.name) or capture_time_from_file(modified_ns)
            facts = replace(facts, capture_time=taken)
        if analysis.hotpreview is not None:
            self.hotpreviews[fingerprint.hothash] = analysis.hotpreview.data
        return FileEntry(
            hothash=fingerprint.hothash,
            method=fingerprint.method,
            relative_path=path,
            size_bytes=fingerprint.size_bytes,
            sha256=fingerprint.sha256,
            modified_ns=modified_ns,
            imported_at=self._now,
            original_filename=RelativePath(path.name).printable(),
            original_path=path.printable(),
            photo_uuid=photo_uuid_of(fingerprint.hothash, fingerprint.method),
            facts=facts,
            hotpreview_rendition=analysis.hotpreview.rendition if analysis.hotpreview is not None else None,
        )

    def with_sidecars(self, entry: FileEntry, path: RelativePath, sidecars: TellingSidecars) -> FileEntry:
        """Give the entry with what the sidecars of its picture tell."""
        completed, findings = with_sidecars(
            entry,
            path,
            sidecars.by_picture.get(path, ()),
            files=self._files,
            analyser=self._analyser,
        )
        self.findings.extend(findings)
        return completed
