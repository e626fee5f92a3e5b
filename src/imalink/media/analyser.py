"""Analyse picture files through open descriptors: the implementation of ``core.analyser.Analyser``."""

from __future__ import annotations

import os

from imalink.core.analyser import Analysis, Hotpreview, SidecarReading
from imalink.core.finding import Finding
from imalink.core.picture import Fingerprint, PictureFacts
from imalink.media.blocks import Blocks
from imalink.media.hothash import fingerprint_descriptor
from imalink.media.kinds import Kind, file_format_of, format_named_by, kind_of
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.previews import (
    DEFAULT_PIXEL_LIMIT,
    PictureTooLargeError,
    check_size,
    make_hotpreview,
    rendition_of,
)
from imalink.media.reader import DescriptorFile, DescriptorReader, MemoryReader, read_into_memory
from imalink.media.sidecars import read_sidecar
from imalink.media.walk import head_of, walk


class PictureAnalyser:
    """Tells identity, facts and hotpreview of picture files; without state, so safe to share between threads.

    No method raises for what a file contains, and none uses or moves the descriptor's position. Pictures of
    more than ``pixel_limit`` pixels are not decoded.
    """

    def __init__(self, *, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> None:
        self._pixel_limit = pixel_limit

    def fingerprint(self, descriptor: int) -> Fingerprint:
        """Read the whole file and give its hothash and SHA-256. Raises OSError."""
        return fingerprint_descriptor(descriptor)

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        """Give the facts and the hotpreview; ``filename`` only helps to tell ``kind-mismatch`` and RAW formats.

        Raises OSError.
        """
        memory = read_into_memory(descriptor)
        if memory is not None:
            return self._analyse(memory, memory.data, filename)
        size = os.fstat(descriptor).st_size
        return self._analyse(DescriptorReader(descriptor, size), DescriptorFile(descriptor, size), filename)

    def read_sidecar(self, data: bytes, *, filename: str) -> SidecarReading:
        """Give what a sidecar says; ``filename`` tells XMP from Takeout's JSON."""
        return read_sidecar(data, filename=filename)

    def _analyse(
        self, reader: MemoryReader | DescriptorReader, source: bytes | DescriptorFile, filename: str
    ) -> Analysis:
        head = head_of(reader)
        kind = kind_of(head)
        file_format = file_format_of(head, filename=filename)
        if not head:
            return Analysis(
                facts=PictureFacts(file_format=file_format), hotpreview=None, findings=(Finding(code="empty-file"),)
            )
        blocks = walk(reader)
        metadata = read_blocks(reader, blocks)
        facts, unreadable = facts_of(metadata, blocks, file_format=file_format)
        rendition = rendition_of(orientation=facts.orientation, icc_digest=metadata.icc_digest)
        is_sound = blocks.method_kind is not None and blocks.fault is None
        hotpreview, trouble = self._preview(source, facts, kind=kind, is_sound=is_sound, rendition=rendition)
        findings = (*_structure_findings(blocks, file_format, filename), *unreadable, *trouble)
        return Analysis(facts=facts, hotpreview=hotpreview, findings=findings)

    def _preview(
        self, source: bytes | DescriptorFile, facts: PictureFacts, *, kind: Kind, is_sound: bool, rendition: str
    ) -> tuple[Hotpreview | None, tuple[Finding, ...]]:
        try:
            check_size(facts.width or 0, facts.height or 0, self._pixel_limit)
            # A RAW file's first picture is a thumbnail or undeveloped, not what a decoder of TIFF should show.
            preview = None
            if facts.file_format != "RAW":
                preview = make_hotpreview(
                    source,
                    kind=kind,
                    orientation=facts.orientation,
                    is_sound=is_sound,
                    rendition=rendition,
                    pixel_limit=self._pixel_limit,
                )
        except PictureTooLargeError:
            size = {"width": facts.width or 0, "height": facts.height or 0, "limit": self._pixel_limit}
            return None, (Finding(code="picture-too-large", facts=size),)
        return preview, () if preview is not None else (Finding(code="preview-failed"),)


def _structure_findings(blocks: Blocks, file_format: str, filename: str) -> list[Finding]:
    findings: list[Finding] = []
    if blocks.fault is not None:
        findings.append(Finding(code="picture-damaged", facts={"reason": blocks.fault}))
    named = format_named_by(filename)
    if file_format == "UNKNOWN":
        findings.append(Finding(code="picture-damaged", facts={"reason": "no known kind of picture"}))
    elif named is not None and named != file_format:
        findings.append(Finding(code="kind-mismatch", facts={"named": named, "found": file_format}))
    return findings
