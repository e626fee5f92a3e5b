"""The protocol by which workflows have picture bytes read, without knowing who decodes them or where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from imalink.core.finding import Finding
from imalink.core.picture import Fingerprint, PictureFacts
from imalink.core.sidecar_facts import SidecarFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """An upright JPEG in sRGB without metadata: a hotpreview of at most 200 pixels a side, or a coldpreview of 1600.

    ``rendition`` is 8 hex digits that change when the same picture must be shown differently.
    """

    data: bytes
    width: int
    height: int
    rendition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewResult:
    """A preview, None if none could be made, and what was odd about it."""

    preview: Preview | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What one file's bytes tell beyond its identity; ``findings`` carry no path, the caller knows it."""

    facts: PictureFacts
    hotpreview: Preview | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarReading:
    """What one sidecar tells: None when it is none, or cannot be read, which ``findings`` say; they carry no path."""

    facts: SidecarFacts | None = None
    findings: tuple[Finding, ...] = ()


class Analyser(Protocol):
    """Reads picture files through open descriptors; safe to call from several threads.

    No method raises for what a file contains: broken content becomes method ``file-1``, no preview,
    and findings. An OSError from reading the descriptor flies to the caller.
    """

    def fingerprint(self, descriptor: int) -> Fingerprint:
        """Read the whole file once and give its hothash and SHA-256."""
        ...

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        """Give the facts and the hotpreview; ``filename`` only helps to tell ``kind-mismatch`` and RAW formats."""
        ...

    def describe(self, descriptor: int, *, filename: str) -> Analysis:
        """Give the facts alone: nothing is decoded, and there is no hotpreview."""
        ...

    def read_sidecar(self, data: bytes, *, filename: str) -> SidecarReading:
        """Give what a sidecar says; ``filename`` tells XMP from Takeout's JSON. ``data`` may be cut off when long."""
        ...

    def coldpreview(self, descriptor: int, *, filename: str, rotation: int = 0) -> PreviewResult:
        """Give the large preview, turned clockwise by ``rotation`` (0, 90, 180 or 270) as the user wants it shown."""
        ...
