"""Make the hotpreviews that are gone from a storage anew."""

from __future__ import annotations

from imalink.core.analyser import Analyser
from imalink.core.comparison import Comparison, FileRole
from imalink.core.index import FileEntry
from imalink.core.progress import Progress
from imalink.errors import NotFoundError, StorageError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.verified_copy import analyse_stored


def remake_hotpreviews(storage: FileStorage, analyser: Analyser, comparison: Comparison, progress: Progress) -> None:
    """Make the previews of standing pictures that have none; what cannot be decoded is tried again next time."""
    wanted = [
        file
        for file in (*comparison.unchanged.values(), *comparison.changed.values())
        if file.role is FileRole.MAIN
        and not file.is_missing
        and file.hothash is not None
        and not storage.hotpreviews.exists(file.hothash)
    ]
    progress.start_phase("analyse", total_files=len(wanted))
    for file in wanted:
        progress.checkpoint()
        try:
            with storage.pictures.open_for_reading(file.path) as descriptor:
                analysis = analyser.analyse(descriptor, filename=file.path.name)
        except (NotFoundError, StorageError, OSError):
            continue  # the walk's findings say so; a preview is no reason to stop
        if analysis.hotpreview is not None and file.hothash is not None:
            storage.hotpreviews.keep(file.hothash, analysis.hotpreview.data)
        progress.advance(files=1, current=file.path.printable())


def keeps_promised_hotpreview(storage: FileStorage, entry: FileEntry, *, analyser: Analyser) -> bool:
    """Make the preview that an entry promises, if a killed import did not come to it; tell whether the promise holds.

    Raises StorageError when the picture cannot be read.
    """
    if not entry.has_hotpreview or storage.hotpreviews.exists(entry.hothash):
        return True
    analysis = analyse_stored(
        storage.pictures, entry.relative_path, filename=entry.original_filename, analyser=analyser
    )
    preview = analysis.hotpreview
    return preview is not None and storage.hotpreviews.keep(entry.hothash, preview.data)
