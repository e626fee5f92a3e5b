"""The order that the protocol promises, checked on a recorded run: what has to be sure before what.

A power cut that comes at a bad moment shows what a missing flush does; these rules say it of every moment at once. They
follow docs/format/durability.md and what the functions of ``durable_files`` and ``storage`` promise when they return:

* there: what is moved, exchanged or removed stands where it is taken from.
* bytes: a file gets a further name only when its bytes are sure.
* folder: nothing gets a name in a folder whose own name is not sure, and folders become sure one by one.
* once: a place is filled only when it is surely empty, only sure names are exchanged, and no other name is given again
  while the file that had it before may have no other.
* lines first: a picture's name changes only when a line that says so is sure, a name is claimed only when a line says
  that names are claimed, a copy is begun only when a line says that the run has begun, and no line is written to a file
  whose name is not sure.
  What is let out of quarantine, or removed from there, is the user's own: no line tells of it.
* planned: what a sure plan speaks of has a sure name.
* kept: the name of a picture, or of a run's intent, goes only when the file has another, sure one, or when a journal's
  sure line says that it went to the trash; and nothing takes the place of a picture.
* commit: when a run becomes a fact, every file that it names is sure, with its folders.
* in turn: before a run, a line of a journal or an index is begun, and before an index gets its name, all that was done
  before is sure.
* end: once it is reported as done, every state that may be left is the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto

from tests.crash.crash_states import Change, Disk, written_to
from tests.crash.scenes import OWN
from tests.crash.stage import HOME
from tests.support.disk_log import ROOT, DiskNow, Done, FileNow

_GIVES_NAME = frozenset({"create", "mkdir", "link", "rename", "exchange"})
_TAKES_NAME = frozenset({"unlink", "rmdir", "rename"})
_MOVES = frozenset({"link", "rename", "exchange"})
_INDEX = re.compile(
    r"(^|/)(\.imalink-storage|index\.json|imalink-master\.json|\.imalink/overview\.json"
    r"|(imports|imalink-sessions)/session_[0-9]+\.json|\.imalink/metadata/(library\.json|manifest/[^/]+))$"
)
_KEPT = re.compile(r"^(\.imalink-trash|\.imalink/quarantine)/[^/]+/")
_STAGED = re.compile(rb'"([0-9]+\.part)"')
_PATH = re.compile(rb'"relative_path":"([^"]+)"')


class Area(Enum):
    """What a name in a storage is for."""

    UNFLUSHED = auto()
    """Locks, previews and older generations: docs/reference/testing.md says why no power cut matters to them."""
    STAGING = auto()
    COMMIT = auto()
    JOURNAL = auto()
    INDEX = auto()
    PICTURE = auto()
    """Pictures, also those in the trash and in quarantine."""


UNFLUSHED = (
    ("/.imalink-storage.lock", "whoever held it is gone after a power cut, and a lock left by it is taken as such"),
    ("/broken-locks", "a lock that was broken says nothing of pictures"),
    ("hotpreview", "it is made again from its picture"),
    ("/metadata/backup", "it is a further name of an index that is sure, made before a sure one takes its place"),
)
"""Which names may be lost in a power cut, and why nothing comes of that."""


def area_of(path: str) -> Area:
    """Say what a path below the stage's folder is for."""
    if any(part in f"/{path}" for part, _ in UNFLUSHED):
        return Area.UNFLUSHED
    if path.startswith(f"{HOME}/") and not path.startswith(f"{HOME}/reference"):
        return Area.UNFLUSHED
    if "/.imalink/staging" in path:
        return Area.STAGING
    if "/.imalink/metadata/commits" in path:
        return Area.COMMIT
    if "/.imalink/metadata/journal" in path:
        return Area.JOURNAL
    return Area.INDEX if _INDEX.search(path) else Area.PICTURE


class ProtocolOrder:
    """Follows a run from ``begin`` on; ``violations`` are the rules that it broke."""

    def __init__(self, begin: DiskNow) -> None:
        self.disk = Disk(begin.copy())
        self.now = begin.copy()
        self.violations: list[str] = []
        self._begin = begin
        self._parents: dict[int, tuple[int, str]] = {}
        waiting = [ROOT]
        for folder in waiting:
            for name, node in begin.folders[folder].items():
                if node in begin.folders:
                    self._parents[node] = (folder, name)
                    waiting.append(node)
        self._lines: set[int] = {
            node for folder in waiting for name, node in begin.folders[folder].items() if name.endswith(".jsonl")
        }

        self._quarantined = {
            node for path, node in self._files_of(begin) if _below_root(path).startswith(".imalink/quarantine/")
        }
        """What stood in quarantine at first: no index tells of it, and who lets it out or removes it tells nothing."""

    def follow(self, log: Iterable[Done]) -> list[str]:
        """Do it all, and give what was broken, at the end too."""
        for done in log:
            self._check(done)
            self.disk.do(done)
            self._do(done)
            if done.kind == "fsync" and done.node in self._lines:
                self._broken(done, self._unkept_plans(done.node))
        self.violations += [f"end: {each}" for each in self._unsure()]
        return self.violations

    def ends_as(self) -> dict[str, FileNow]:
        """Give the files at the end by path; without what may be lost."""
        return {path: self.now.files[node] for path, node in self._files_of(self.now)}

    @staticmethod
    def _files_of(disk: DiskNow) -> Iterator[tuple[str, int]]:
        waiting = [("", ROOT)]
        for prefix, folder in waiting:
            for name, node in disk.folders[folder].items():
                if area_of(prefix + name) is not Area.UNFLUSHED:
                    if node in disk.folders:
                        waiting.append((f"{prefix}{name}/", node))
                    else:
                        yield prefix + name, node

    # rules

    def _check(self, done: Done) -> None:
        if done.kind == "write":
            self._broken(done, self._early_line(done.node))
        if not done.name:
            return
        source = self._path(done.folder, done.name)
        target = self._path(done.to_folder, done.to_name) if done.to_name else source
        if done.kind in _TAKES_NAME | {"exchange"} and self.now.folders[done.folder].get(done.name) != done.node:
            self._broken(done, ["there: it is not there"])
        if done.kind in _GIVES_NAME and area_of(target) is not Area.UNFLUSHED:
            self._broken(done, self._early_name(done, target))
        if done.kind in ("create", "link", "rename", "exchange", "unlink"):
            for path in sorted({source, target}):
                if area_of(path) is Area.PICTURE and done.node not in self._quarantined:
                    self._broken(done, self._untold(path, is_claim=done.kind == "create"))
        if (
            done.kind == "unlink"
            and area_of(source) in (Area.PICTURE, Area.STAGING)
            and done.node not in self._quarantined
        ):
            self._broken(done, self._homeless(done, source))

    def _early_line(self, node: int) -> Iterator[str]:
        """Rules lines first and in turn: a line that is written."""
        for path in self._paths(node) if node in self._lines else ():
            if not self._is_path_sure(path):
                yield "lines first: the name of the file is not sure"
            if area_of(path) is Area.JOURNAL:
                staging = f"{path.partition('/.imalink/')[0]}/.imalink/staging/"
                yield from (f"in turn: {each}" for each in self._unsure(but={node}) if staging not in each)

    def _early_name(self, done: Done, target: str) -> Iterator[str]:
        """Every rule about a name that is given."""
        area = area_of(target)
        yield from self._unsure_folder(target)
        yield from self._changed_again(done)
        if done.kind == "mkdir":
            yield from (f"folder: before it {each}" for each in self._unsure_folders())
            if area is Area.STAGING:
                yield from (f"in turn: {each}" for each in self._unsure())
        if done.kind in _MOVES:
            if {done.node, done.other} & self.disk.written.keys():
                yield "bytes: they are not sure"
            if area is Area.COMMIT:
                yield from (f"commit: {each}" for each in self._unsure_in_commit(done.node, target))
            if area in (Area.PICTURE, Area.COMMIT):
                yield from self._overwritten(done, target)
        if done.kind == "create" and target.endswith(".part") and b'"op":"begin"' not in b"".join(self._sure_lines()):
            yield "lines first: no sure line says that the run has begun"
        is_saved = area is Area.INDEX and done.kind in _MOVES
        if is_saved or (done.kind == "create" and target.endswith(".tmp")):
            yield from (f"in turn: {each}" for each in self._unsure(but={done.node} if is_saved else set()))

    def _changed_again(self, done: Done) -> Iterator[str]:
        """Rule once; a claim is there to be taken the place of."""
        if done.kind not in _MOVES | {"create"}:
            return
        ends = [(done.to_folder, done.to_name) if done.to_name else (done.folder, done.name)]
        if done.kind == "exchange":
            ends.append((done.folder, done.name))
        for folder, name in ends:
            path, there = self._path(folder, name), self.now.folders[folder].get(name)
            is_claim = there is not None and not self.now.files[there].data
            is_place = area_of(path) is Area.PICTURE and not _KEPT.match(_below_root(path))
            if is_claim or self._is_name_sure(folder, name):
                continue
            back = self.disk.sure.folders[folder].get(name)
            if is_place or done.kind == "exchange":
                yield f"once: the last change of {name} is not sure"
            elif back not in (None, done.node) and not self._has_sure_name(back, but=(folder, name)):
                yield f"once: a file that may be back under {name} has no other sure name"

    def _unsure_folder(self, target: str) -> Iterator[str]:
        """Rule folder: the folders above ``target``."""
        at = ROOT
        for name in target.split("/")[:-1]:
            if not self._is_name_sure(at, name):
                yield f"folder: it is in {name}, whose name is not sure"
            at = self.now.folders[at][name]

    def _unsure_folders(self) -> Iterator[str]:
        for change, path in self._pending():
            if change.was in self.now.folders and area_of(path) is not Area.UNFLUSHED and self._stands(change):
                yield f"{path} was made and is not sure"

    def _unsure_in_commit(self, node: int, target: str) -> Iterator[str]:
        text = self.now.files[node].data
        root = target.partition("/.imalink/")[0]
        for found in {each.decode() for each in _PATH.findall(text)}:
            bases = [base for base in (root, OWN) if self._find(f"{base}/{found}") is not None]
            if not bases:
                yield f"there is no {found}"
                continue
            path = f"{bases[0]}/{found}"
            if not self._is_path_sure(path):
                yield f"the name of {found} is not sure"
            if self._find(path) in self.disk.written:
                yield f"the bytes of {found} are not sure"

    def _unkept_plans(self, node: int) -> Iterator[str]:
        """Rule planned: of the staged files that a sure intent speaks of."""
        for folder, names in self.now.folders.items():
            if names.get("intent.jsonl") != node:
                continue
            for name in {each.decode() for each in _STAGED.findall(self.disk.sure.files[node].data)}:
                if name in names and not self._is_name_sure(folder, name):
                    yield f"planned: the name of {name} is not sure"
                elif name in names and names[name] in self.disk.written:
                    yield f"planned: the bytes of {name} are not sure"

    def _untold(self, path: str, *, is_claim: bool) -> Iterator[str]:
        told = b"".join(self._sure_lines())
        named = _KEPT.sub("", _below_root(path))
        if b'%s"' % named.encode() not in told:
            yield f"lines first: no sure line speaks of {named}"
        if is_claim and b'"op":"claims"' not in told:
            yield "lines first: no sure line says that names are claimed"

    def _homeless(self, done: Done, path: str) -> Iterator[str]:
        """Rule kept: the file whose name goes."""
        if self._has_sure_name(done.node, but=(done.folder, done.name)):
            return
        if area_of(path) is Area.PICTURE:
            if b'"%s"' % _below_root(path).encode() not in b"".join(self._sure_lines(Area.JOURNAL, is_old=True)):
                yield "kept: it has no other sure name"
        elif done.node in self._lines or b'"%s"' % done.name.encode() in b"".join(self._sure_lines()):
            yield "kept: a sure plan speaks of it, and it has no other sure name"

    def _overwritten(self, done: Done, target: str) -> Iterator[str]:
        """Rule kept: what stands at a place, or would stand there again if the last change of it were lost."""
        folder, name = (done.to_folder, done.to_name) if done.to_name else (done.folder, done.name)
        there = self.now.folders[folder].get(name)
        if done.kind != "exchange" and there not in (None, done.node) and self.now.files[there].data:
            yield f"kept: it takes the place of {target}"

    def _sure_lines(self, area: Area | None = None, *, is_old: bool = False) -> Iterator[bytes]:
        """Give what intents, commits and journals say since the run began, or from the first, as far as it is sure."""
        for node in self._lines:
            if self._has_sure_name(node) and (area is None or any(area_of(each) is area for each in self._paths(node))):
                data = self.disk.sure.files[node].data
                old = self._begin.files.get(node)
                yield data if is_old or old is None or b'"op":"begin"' in old.data else data[len(old.data) :]

    def _unsure(self, but: set[int] | None = None) -> Iterator[str]:
        """Say what a power cut could undo now; an empty folder may come back, for it says nothing."""
        for change, path in self._pending():
            if area_of(path) is Area.UNFLUSHED or (but and change.was in but):
                continue
            if change.was in self.disk.sure.folders and not self._stands(change) and not self._holds(change.was):
                continue
            yield f"the change of {path} is not sure"
        for node in self.disk.written:
            for path in self._paths(node):
                if area_of(path) is not Area.UNFLUSHED and not (but and node in but):
                    yield f"the bytes of {path} are not sure"

    # what is there

    def _broken(self, done: Done, rules: Iterable[str]) -> None:
        name = done.to_name or done.name
        self.violations += [f"{done.kind} {name}: {each}" for each in rules]

    def _pending(self) -> list[tuple[Change, str]]:
        return [(change, self._path(folder, name)) for change in self.disk.changes for folder, name, _ in change.names]

    def _stands(self, change: Change) -> bool:
        return all(node is not None for _, _, node in change.names)

    def _holds(self, folder: int) -> bool:
        """Tell whether any file might come back with a folder that was removed."""
        names = self.disk.sure.folders[folder].values()
        return any(node not in self.disk.sure.folders or self._holds(node) for node in names)

    def _path(self, folder: int, name: str) -> str:
        parts = [name]
        while folder != ROOT:
            folder, above = self._parents[folder]
            parts.append(above)
        return "/".join(reversed(parts))

    def _paths(self, node: int) -> Iterator[str]:
        for folder, names in self.now.folders.items():
            for name, held in names.items():
                if held == node:
                    yield self._path(folder, name)

    def _find(self, path: str) -> int | None:
        at = ROOT
        for name in path.split("/"):
            found = self.now.folders.get(at, {}).get(name)
            if found is None:
                return None
            at = found
        return at

    def _is_name_sure(self, folder: int, name: str) -> bool:
        if self.disk.sure.folders[folder].get(name) != self.now.folders[folder].get(name):
            return False
        return not any((folder, name) == named[:2] for change in self.disk.changes for named in change.names)

    def _is_path_sure(self, path: str) -> bool:
        folder = self._find(path.rpartition("/")[0])
        return (
            folder is not None
            and not list(self._unsure_folder(path))
            and self._is_name_sure(folder, path.rpartition("/")[2])
        )

    def _has_sure_name(self, node: int, *, but: tuple[int, str] | None = None) -> bool:
        return any(
            held == node and (folder, name) != but and self._is_name_sure(folder, name)
            for folder, names in self.now.folders.items()
            for name, held in names.items()
        )

    def _do(self, done: Done) -> None:
        names = self.now.folders
        if done.kind in ("create", "mkdir", "link"):
            names[done.folder][done.name] = done.node
            if done.kind == "mkdir":
                names[done.node] = {}
                self._parents[done.node] = (done.folder, done.name)
            elif done.kind == "create":
                self.now.files[done.node] = FileNow(b"", done.number, 0)
                if done.name.endswith(".jsonl"):
                    self._lines.add(done.node)
        elif done.kind in ("unlink", "rmdir"):
            names[done.folder].pop(done.name, None)
        elif done.kind in ("rename", "exchange"):
            names[done.folder].pop(done.name, None)
            names[done.to_folder][done.to_name] = done.node
            if done.to_name.endswith(".jsonl"):
                self._lines.add(done.node)
            if done.kind == "exchange":
                names[done.folder][done.name] = done.other
        elif done.kind != "fsync":
            self.now.files[done.node] = written_to(self.now.files[done.node], done)


def _below_root(path: str) -> str:
    """Give a path of the stage as its storage spells it."""
    return path.removeprefix(f"{OWN}/") if path.startswith(OWN) else path.split("/", 2)[-1]
