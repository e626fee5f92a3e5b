"""Index entries of pictures that come in: with the facts of their sidecars, and a time for those that tell none."""

from __future__ import annotations

from dataclasses import replace

from imalink.core.analyser import Analyser, Analysis
from imalink.core.capture_fallback import capture_time_from_file, capture_time_from_name
from imalink.core.companion_matching import tells_of
from imalink.core.finding import Finding
from imalink.core.ids import PhotoUuid
from imalink.core.index import Companion, FileEntry
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.sidecar_facts import SidecarFacts, complete_facts, telling_facts
from imalink.core.source_listing import SourcePicture
from imalink.core.timestamps import CaptureTime
from imalink.storage.reading import FolderReader
from imalink.workflows.verified_copy import read_source_sidecar


def with_sidecars(
    files: FolderReader, picture: SourcePicture, analysis: Analysis, *, analyser: Analyser
) -> tuple[Analysis, list[Finding]]:
    """Complete a picture's facts from its sidecars; one that cannot be read is a finding and costs only itself."""
    found: list[SidecarFacts] = []
    findings: list[Finding] = []
    for sidecar in picture.sidecars:
        path = sidecar.relative_path
        reading = read_source_sidecar(files, path, analyser=analyser)
        findings.extend(replace(finding, path=path.printable()) for finding in reading.findings)
        if reading.facts is not None and tells_of(picture.file.relative_path, path, reading.facts):
            found.append(reading.facts)
    facts = complete_facts(analysis.facts, telling_facts(picture.file.relative_path, found))
    return replace(analysis, facts=facts), findings


def capture_time_of(file: ScannedFile, analysis: Analysis) -> CaptureTime:
    """Give when a picture was taken: what it tells, else what its name, else what the disk says."""
    return (
        analysis.facts.capture_time
        or capture_time_from_name(file.relative_path.name)
        or capture_time_from_file(file.modified_ns)
    )


def new_entry(
    file: ScannedFile,
    analysis: Analysis,
    fingerprint: Fingerprint,
    *,
    target: RelativePath,
    modified_ns: int,
    photo_uuid: PhotoUuid,
    companions: tuple[Companion, ...],
    imported_at: str,
) -> FileEntry:
    """Give the entry of ``file``, as it was found, under the name it has or will have in the storage."""
    return FileEntry(
        hothash=fingerprint.hothash,
        method=fingerprint.method,
        relative_path=target,
        size_bytes=fingerprint.size_bytes,
        sha256=fingerprint.sha256,
        modified_ns=modified_ns,
        imported_at=imported_at,
        original_filename=RelativePath(file.relative_path.name).printable(),
        original_path=file.relative_path.printable(),
        photo_uuid=photo_uuid,
        facts=replace(analysis.facts, capture_time=capture_time_of(file, analysis)),
        hotpreview_rendition=analysis.hotpreview.rendition if analysis.hotpreview is not None else None,
        companions=companions,
    )
