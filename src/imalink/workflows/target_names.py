"""Free names in a storage for what will be placed there: never one that is taken, nor one given before."""

from __future__ import annotations

from imalink.core.organization import free_name
from imalink.core.path_template import NamedPicture, PathTemplate
from imalink.core.relative_path import RelativePath
from imalink.errors import NotFoundError
from imalink.storage.file_storage import FileStorage


class TargetNames:
    """Gives names, and remembers those given, so that two files of one import never plan for one.

    Names that some file system would not keep apart (case, NFC) count as one. Where a file or a link has the name of a
    folder, the folder gets another one: nothing is followed and nothing is moved aside.
    """

    def __init__(self, storage: FileStorage) -> None:
        self._files = storage.files
        self._photo_root = storage.photo_root
        self._own_names = storage.layout.own_names
        self._counters: dict[RelativePath, int] = {}
        self._numbered: dict[tuple[RelativePath, str], int] = {}
        self._stems: dict[RelativePath | None, set[str]] = {}
        self._given: set[str] = set()
        self._folders: dict[RelativePath, RelativePath] = {}

    def give(self, path: RelativePath) -> RelativePath:
        """Give ``path``, or the first of ``name (2).jpg``, ``name (3).jpg``, … that is free."""
        folder = path.parent
        wanted = path if folder is None else self._usable(folder).below(path.name)
        free = free_name(wanted, lambda each: each.fold_key() in self._given or self._files.exists(each))
        self._given.add(free.fold_key())
        return free

    def give_by(self, template: PathTemplate, picture: NamedPicture, photo_root: RelativePath | None) -> RelativePath:
        """Give the name a template makes, counting on to the first free one if it counts. Raises InvalidPathError."""
        wanted = template.expand(picture, photo_root=photo_root)
        if not template.has_counter:
            return self.give(wanted)
        # Numbers tell shots apart: files of one name at the source share theirs, all others never do.
        key = RelativePath(wanted.removesuffix(wanted.suffix))
        source = RelativePath(picture.source.removesuffix(picture.source.suffix)).fold_key()
        counter = self._numbered.get((key, source))
        if counter is not None:
            path = template.expand(picture, photo_root=photo_root, counter=counter)
            if path.fold_key() not in self._given and not self._files.exists(path):
                return self.give(path)
        counter = self._counters.get(key, 1)
        path = template.expand(picture, photo_root=photo_root, counter=counter)
        while self._is_stem_taken(path):
            counter += 1
            path = template.expand(picture, photo_root=photo_root, counter=counter)
        self._counters[key] = counter + 1
        self._numbered[key, source] = counter
        return self.give(path)

    def _is_stem_taken(self, path: RelativePath) -> bool:
        folder = path.parent
        if folder not in self._stems:
            try:
                names = self._files.list_names(folder)
            except NotFoundError:
                names = []
            self._stems[folder] = {RelativePath(RelativePath(name).stem).fold_key() for name in names}
        return RelativePath(path.stem).fold_key() in self._stems[folder] or path.fold_key() in self._given

    def give_another(self, path: RelativePath) -> RelativePath:
        """Give a name instead of ``path``, which turned out to be taken."""
        self._folders.clear()
        return self.give(path)

    def take_back(self, path: RelativePath) -> None:
        """Let a name that was given, and not used, be given again."""
        self._given.discard(path.fold_key())

    def is_free(self, path: RelativePath) -> bool:
        """Tell whether a file can be placed at ``path`` itself."""
        folder = path.parent
        return (folder is None or self._usable(folder) == folder) and not self._files.exists(path)

    def _usable(self, folder: RelativePath) -> RelativePath:
        """Give the folder, its parts renamed where no folder can be made; the photo root is never renamed."""
        if folder == self._photo_root:
            return folder
        if folder not in self._folders:
            parent = folder.parent
            wanted = folder if parent is None else self._usable(parent).below(folder.name)
            self._folders[folder] = free_name(wanted, self._is_no_folder)
        return self._folders[folder]

    def _is_no_folder(self, path: RelativePath) -> bool:
        if path.is_ours(self._own_names):
            return True
        facts = self._files.find_facts(path)
        return facts is not None and not facts.is_directory
