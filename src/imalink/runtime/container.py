"""The composition root: everything a workflow needs, made from the settings, each part when it is first asked for."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from imalink.catalog.catalog import Catalog
from imalink.catalog.dialects import set_tables_aside, sqlite_file
from imalink.core.ids import WriterId
from imalink.core.timestamps import Clock
from imalink.errors import CatalogError, IndexDamagedError
from imalink.formats.registry_file import Installation, dump_installation, parse_installation
from imalink.media.analyser import PictureAnalyser
from imalink.runtime.local_files import make_directory, read_local, replace_local, set_aside
from imalink.runtime.registry import Registry
from imalink.runtime.settings import Settings
from imalink.runtime.workers import SERVER_LIMITS, SERVER_SECONDS_A_FILE, DecodeWorkers
from imalink.storage.references import References
from imalink.storage.volumes import find_network_type
from imalink.workflows.tools import Tools


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the current time, aware, in UTC."""
        return datetime.now(UTC)


class Container:
    """Holds the open catalog and the decode workers, and hands out ``Tools``.

    Close it, or use it as a context manager. No worker is started before the first picture. ``serves``: others wait for
    this process, so its workers let them have the processor first (decision 85).
    """

    def __init__(self, settings: Settings, *, serves: bool = False) -> None:
        self.settings = settings
        self._clock = SystemClock()
        make_directory(settings.data_directory)
        refuse_network_catalog(settings.database_url)
        self._workers = _workers(settings.workers, serves=serves) if settings.workers else None
        self._catalog = Catalog.open(settings.database_url)

    def tools(self) -> Tools:
        """Give what every workflow is given."""
        return Tools(
            catalog=self._catalog,
            analyser=self._workers or PictureAnalyser(),
            clock=self._clock,
            writer=self._writer(),
            registry=Registry(self.settings.registry_path, clock=self._clock),
            references=References(self.settings.data_directory, clock=self._clock),
            new_uuid=lambda: str(uuid.uuid4()),
            open_scratch_catalog=open_scratch_catalog,
            # One for each decode worker to wait for it, some that copy and wait for disks meanwhile, and one to spare.
            threads=self.settings.workers + min(self.settings.workers, 8) + 1 if self.settings.workers else 1,
        )

    def _writer(self) -> WriterId:
        """Give this installation's name as a journal writer, made at its first use."""
        path = self.settings.installation_path
        data = read_local(path)
        if data is not None:
            try:
                return WriterId(parse_installation(data).writer)
            except IndexDamagedError:
                pass  # a new name is always safe: journals of the old one are read for ever
        writer = str(uuid.uuid4())
        replace_local(path, dump_installation(Installation(writer=writer)))
        return WriterId(writer)

    def close(self) -> None:
        """End the workers and close the catalog."""
        if self._workers is not None:
            self._workers.close()
        self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _workers(count: int, *, serves: bool) -> DecodeWorkers:
    if not serves:
        return DecodeWorkers(count)
    return DecodeWorkers(count, limits=SERVER_LIMITS, seconds_a_file=SERVER_SECONDS_A_FILE)


def refuse_network_catalog(url: str) -> None:
    """Refuse a SQLite catalog on a network mount, where two machines that write would spoil it. Raises CatalogError."""
    path = sqlite_file(url)
    kind = None if path is None else find_network_type(path.absolute().parent)
    if kind is not None:
        raise CatalogError(
            f"The catalog {path} would stand on a network mount ({kind}), where its locks do not hold.",
            hint="Name a place on a disk of this machine (IMALINK_DATABASE_URL), or use a PostgreSQL server.",
        )


def set_aside_catalog(settings: Settings, *, clock: Clock) -> str | None:
    """Keep a damaged catalog under another name, so that a new one can be made; give that name.

    A SQLite file is renamed beside itself; the tables of PostgreSQL go to a schema of their own in the same database.
    None where nothing is there. Raises StorageError, CatalogError.
    """
    path = sqlite_file(settings.database_url)
    label = f"{clock.now():%Y%m%dT%H%M%SZ}"
    if path is None:
        return set_tables_aside(settings.database_url, label.lower())
    aside = path.with_name(f"{path.name}.damaged-{label}")
    set_aside(path, aside.name)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            set_aside(companion, aside.name + suffix)
    return str(aside)


@contextmanager
def open_scratch_catalog() -> Generator[Catalog]:
    """Hold an empty catalog open for a block; it is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="imalink-check-") as folder,
        Catalog.open(f"sqlite:///{Path(folder) / 'catalog.sqlite'}") as catalog,
    ):
        yield catalog
