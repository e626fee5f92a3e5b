"""How long it takes to say something of one photo, and of a thousand, in an archive of many."""

from __future__ import annotations

from functools import partial
from itertools import count

from benchmarks.archive import Archive
from benchmarks.measuring import Figure, alternate, shown
from imalink.core.edit_request import EditRequest
from imalink.core.user_facts import FactChange
from imalink.storage.file_storage import FileStorage
from imalink.workflows.edit_photos import edit_photos

MANY = 1_000


def measure_edits(archive: Archive, *, rounds: int) -> list[Figure]:
    """Edit one photo and a thousand, told to the storage, against reading and writing its index files alone."""
    hothashes = _some_hothashes(archive, MANY)
    titles = count()

    def edit(wanted: list[str]) -> None:
        report = edit_photos(archive.tools, wanted, EditRequest(said=FactChange.of({"title": f"Title {next(titles)}"})))
        assert (len(report.edited), report.waiting) == (len(wanted), ())

    timed = alternate(
        rounds,
        {
            "one": partial(edit, hothashes[:1]),
            "many": partial(edit, hothashes),
            "indexes": partial(_rewrite_indexes, archive),
        },
    )
    base = f"reading and writing the session index and the master takes {timed.best('indexes') * 1000:.0f} ms"
    return [
        shown("one photo", timed.best("one"), unit="s"),
        shown("one photo, against its bare index files", timed.ratio("one", "indexes"), unit="×", note=base),
        shown(f"{len(hothashes):,} photos", timed.best("many"), unit="s"),
        shown("each further photo", (timed.best("many") - timed.best("one")) * 1000 / len(hothashes), unit="ms"),
    ]


def _some_hothashes(archive: Archive, most: int) -> list[str]:
    with FileStorage.open(archive.root, clock=archive.tools.clock) as storage:
        return [str(hothash) for hothash in sorted(storage.indexes.load_session(1).index.files)[:most]]


def _rewrite_indexes(archive: Archive) -> None:
    """Read and write the index files that an edit of any photo changes, and nothing else."""
    with FileStorage.open(archive.root, clock=archive.tools.clock) as storage, storage.lock("bench"):
        storage.indexes.save_session(storage.indexes.load_session(1).index)
        storage.indexes.save_master(storage.indexes.load_master().index)
