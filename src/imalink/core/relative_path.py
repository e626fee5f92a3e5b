"""Relative paths: the names by which indexes know files, checked once and trusted afterwards."""

from __future__ import annotations

import re
import unicodedata
from typing import Self

from imalink.errors import InvalidPathError

MAX_PART_BYTES = 255
MAX_PATH_BYTES = 4096

_SHORT = MAX_PART_BYTES // 4
"""A text of so many characters cannot exceed a part's limit: UTF-8 takes at most four bytes for one."""

# No part empty, `.` or `..`; no NUL; of the surrogates only those that stand for undecodable bytes.
_PART = r"(?!\.{1,2}(?:/|\Z))[^/\x00\ud800-\udc7f\udd00-\udfff]+"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_UNDECODED = re.compile(r"[\udc80-\udcff]")

OWN_NAMES = frozenset({"imalink-master.json", "imalink-sessions"})
"""ImaLink's own names at the root in every layout, beside all that begin with ``.imalink``."""

_ROOT_PREFIX = ".imalink"
# The 8.3 names under which FAT also answers for `.imalink…`, `imalink-…` and `index.json`.
_SHORT_ALIAS = re.compile(r"imalin~\d")
_SHORT_INDEX = re.compile(r"index~\d")


class RelativePath(str):
    """A POSIX path below a storage root or source, known to stay below it as far as text can tell.

    A ``str`` subclass without attributes, so that a hundred thousand cost no more than their text. Make one with
    ``parse`` or ``from_bytes``; the bare constructor checks nothing and is for code that joins parts already checked.
    Names that are not UTF-8 are kept as Python's surrogateescape text. Rules: docs/format/README.md.
    Links are not a matter of text: ``storage.root`` refuses them when it opens.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Give ``text`` as a path that may stand in an index, whosever name it is (see ``is_ours``).

        Refused with InvalidPathError: an empty, ``.`` or ``..`` part (so also a leading or trailing ``/``), NUL,
        a part above 255 bytes, a path above 4096, and text that no file name decodes to.
        """
        if _PATH.fullmatch(text) is None or (len(text) > _SHORT and _is_too_long(text)):
            raise _refusal(text)
        if not text.isascii() and _UNDECODED.search(text) is not None and _canonical(text) != text:
            raise _refusal(text)
        return str.__new__(cls, text)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Give the path that the disk spells with these bytes. Raises InvalidPathError."""
        return cls.parse(raw.decode("utf-8", "surrogateescape"))

    def as_bytes(self) -> bytes:
        """The bytes that spell this path on the disk."""
        return self.encode("utf-8", "surrogateescape")

    @property
    def name(self) -> str:
        """The last part."""
        return self.rpartition("/")[2]

    @property
    def parent(self) -> RelativePath | None:
        """The folder that holds it; None directly below the root."""
        head = self.rpartition("/")[0]
        return str.__new__(RelativePath, head) if head else None

    @property
    def stem(self) -> str:
        """The last part without its suffix; ``.hidden`` and ``name.`` have no suffix."""
        name = self.name
        dot = name.rfind(".")
        return name[:dot] if 0 < dot < len(name) - 1 else name

    @property
    def suffix(self) -> str:
        """The last part's extension with its dot, spelt as on the disk, or ``""``."""
        name = self.name
        dot = name.rfind(".")
        return name[dot:] if 0 < dot < len(name) - 1 else ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names from the root down; never empty."""
        return tuple(self.split("/"))

    def below(self, other: str) -> RelativePath:
        """Give ``other`` as a path below this one. Raises InvalidPathError."""
        return RelativePath.parse(f"{self}/{other}")

    def is_below(self, folder: RelativePath | None) -> bool:
        """Tell whether it lies in ``folder`` at any depth; everything lies below None, the root."""
        return folder is None or (len(self) > len(folder) and self.startswith(folder) and self[len(folder)] == "/")

    def relative_to(self, folder: RelativePath | None) -> RelativePath:
        """Give the rest of the path below ``folder``. Raises ValueError when it does not lie there."""
        if folder is None:
            return self
        if not self.is_below(folder):
            raise ValueError(f"{self.printable()} is not below {folder.printable()}")
        return str.__new__(RelativePath, self[len(folder) + 1 :])

    def is_ours(self, own_names: frozenset[str]) -> bool:
        """Tell whether it is, or lies in, one of ImaLink's own names at a storage root.

        ``own_names`` are those of the storage's layout, in lower case; ``.imalink…`` is ours in every one.

        Also under the other spellings that some file system takes for the same name: other case, trailing dots and
        spaces (FAT), ignorable characters (HFS+), 8.3 aliases. An index that names such a file is refused.
        """
        first = self.partition("/")[0]
        if not first.isascii():
            visible = "".join(c for c in unicodedata.normalize("NFKC", first) if unicodedata.category(c) != "Cf")
            first = visible
        first = first.casefold().rstrip(". ")
        if first.startswith(_ROOT_PREFIX) or first in own_names or _SHORT_ALIAS.match(first) is not None:
            return True
        return "index.json" in own_names and _SHORT_INDEX.match(first) is not None

    @property
    def is_utf8(self) -> bool:
        """Tell whether the disk spells it in UTF-8; if not, an index keeps its bytes."""
        return self.isascii() or _UNDECODED.search(self) is None

    def printable(self) -> str:
        r"""Give it for people: control, bidi and undecodable characters escaped (``\x0a``, ``\u202e``, ``\xff``)."""
        if self.isascii() and self.isprintable():
            return str.__str__(self)
        return "".join(map(_printable, self))

    def fold_key(self) -> str:
        """Give the key under which twins meet: names that some file system would not keep apart (case, NFC)."""
        if self.isascii():
            return self.lower()
        return unicodedata.normalize("NFC", unicodedata.normalize("NFD", self).casefold())


def _canonical(text: str) -> str:
    """Give the text that the bytes of ``text`` decode to: one name must not have two spellings in memory."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _is_too_long(text: str) -> bool:
    raw = text.encode("utf-8", "surrogateescape")
    return len(raw) > MAX_PATH_BYTES or max(map(len, raw.split(b"/"))) > MAX_PART_BYTES


def _printable(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character == " " or character.isprintable():
        return character
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _refusal(text: str) -> InvalidPathError:
    shown = "".join(map(_printable, text[:200])) + ("…" if len(text) > 200 else "")
    return InvalidPathError(
        f"{shown!r} is not a path below a storage: {_reason(text)}. Nothing was touched.",
        hint="Paths are relative, with `/` between the parts, and never go up with `..`.",
    )


def _reason(text: str) -> str:
    if not text:
        return "it is empty"
    if text.startswith("/"):
        return "it is absolute"
    if "\0" in text:
        return "it holds a NUL character"
    parts = text.split("/")
    if ".." in parts or "." in parts:
        return "it has a `.` or `..` part"
    if "" in parts:
        return "it has an empty part"
    try:
        is_too_long = _is_too_long(text)
    except UnicodeEncodeError:
        return "it is not text that a file name decodes to"
    if is_too_long:
        return f"it is longer than {MAX_PART_BYTES} bytes in a part or {MAX_PATH_BYTES} in all"
    return "it is not text that a file name decodes to"
