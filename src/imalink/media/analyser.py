"""Analyse picture files through open descriptors: the implementation of ``core.analyser.Analyser``."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from imalink.core.analyser import Analysis, Preview, PreviewResult, SidecarReading
from imalink.core.finding import Finding
from imalink.core.picture import Fingerprint, PictureFacts
from imalink.media.blocks import Blocks
from imalink.media.hothash import fingerprint_descriptor
from imalink.media.kinds import Kind, file_format_of, format_named_by, kind_of
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.previews import (
    COLDPREVIEW_SIDE,
    DEFAULT_PIXEL_LIMIT,
    PictureTooLargeError,
    Target,
    check_size,
    make_preview,
    rendition_of,
)
from imalink.media.reader import DescriptorReader, MemoryReader, Reader, read_into_memory
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
        return self._analyse(_reader_of(descriptor), filename)

    def describe(self, descriptor: int, *, filename: str) -> Analysis:
        """Give the facts without decoding anything, hence without a preview. Raises OSError."""
        picture = _taken_apart(_reader_of(descriptor), filename)
        return Analysis(facts=picture.facts, hotpreview=None, findings=picture.findings)

    def coldpreview(self, descriptor: int, *, filename: str, rotation: int = 0) -> PreviewResult:
        """Give the large preview, turned clockwise by ``rotation`` degrees. Raises OSError."""
        picture = _taken_apart(_reader_of(descriptor), filename)
        return self._preview(picture, Target(longer_side=COLDPREVIEW_SIDE, rotation=rotation))

    def read_sidecar(self, data: bytes, *, filename: str) -> SidecarReading:
        """Give what a sidecar says; ``filename`` tells XMP from Takeout's JSON."""
        return read_sidecar(data, filename=filename)

    def _analyse(self, reader: Reader, filename: str) -> Analysis:
        picture = _taken_apart(reader, filename)
        result = self._preview(picture, Target())
        return Analysis(facts=picture.facts, hotpreview=result.preview, findings=(*picture.findings, *result.findings))

    def _preview(self, picture: _Picture, target: Target) -> PreviewResult:
        facts = picture.facts
        if not picture.reader.size:
            return PreviewResult(preview=None)
        target = replace(target, pixel_limit=self._pixel_limit)
        try:
            check_size(facts.width or 0, facts.height or 0, self._pixel_limit)
            made = make_preview(
                picture.reader,
                picture.blocks,
                target,
                kind=picture.kind,
                facts=facts,
            )
        except PictureTooLargeError as error:
            size = {
                "width": facts.width or error.width,
                "height": facts.height or error.height,
                "limit": self._pixel_limit,
            }
            return PreviewResult(preview=None, findings=(Finding(code="picture-too-large", facts=size),))
        if made is None:
            return PreviewResult(preview=None, findings=(Finding(code="preview-failed"),))
        rendition = rendition_of(orientation=facts.orientation, icc_digest=picture.icc_digest, rotation=target.rotation)
        jpeg = made.jpeg
        return PreviewResult(
            preview=Preview(data=jpeg.data, width=jpeg.width, height=jpeg.height, rendition=rendition),
            findings=(Finding(code="preview-from-thumbnail"),) if made.is_thumbnail else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """A file taken apart, nothing of it decoded."""

    reader: Reader
    kind: Kind
    blocks: Blocks
    facts: PictureFacts
    icc_digest: str | None
    findings: tuple[Finding, ...]


def _reader_of(descriptor: int) -> Reader:
    return read_into_memory(descriptor) or DescriptorReader(descriptor, os.fstat(descriptor).st_size)


def _taken_apart(reader: Reader, filename: str) -> _Picture:
    head = head_of(reader)
    kind = kind_of(head)
    file_format = file_format_of(head, filename=filename)
    if not head:
        facts, findings = PictureFacts(file_format=file_format), (Finding(code="empty-file"),)
        return _Picture(
            reader=MemoryReader(b""), kind=kind, blocks=Blocks(), facts=facts, icc_digest=None, findings=findings
        )
    blocks = walk(reader)
    metadata = read_blocks(reader, blocks)
    facts, unreadable = facts_of(metadata, blocks, file_format=file_format)
    return _Picture(
        reader=reader,
        kind=kind,
        blocks=blocks,
        facts=facts,
        icc_digest=metadata.icc_digest,
        findings=(*_structure_findings(blocks, file_format, filename), *unreadable),
    )


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
