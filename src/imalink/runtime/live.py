"""What moves by itself in a server: jobs, events, the timetable, the outbox, and the figures of all that."""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from imalink.core.timetable import Task
from imalink.runtime.events import EventHub
from imalink.runtime.jobs import JobRunner
from imalink.runtime.library_watch import LibraryWatch
from imalink.runtime.metrics import Metrics
from imalink.runtime.outbox_writer import OutboxWriter
from imalink.runtime.scheduler import Plan, Scheduler
from imalink.workflows.tools import Tools


class Live:
    """Jobs can be asked for at once; the timetable and the watch over the catalog begin with ``start``.

    Close it, or use it as a context manager, before the catalog is closed.
    """

    def __init__(self, tools: Tools, outbox: OutboxWriter) -> None:
        self._tools = tools
        self.outbox = outbox
        self.hub = EventHub()
        self.jobs = JobRunner(tools, self.hub)
        self.metrics = Metrics(tools, self.jobs)
        self._watch = LibraryWatch(tools, self.hub)
        self._scheduler: Scheduler | None = None

    def start(self, plan: Plan, *, enabled: Collection[Task]) -> None:
        """Watch the catalog, and do what is due; ``plan`` gives the job of a task."""
        self._watch.start()
        self.outbox.start()
        if enabled:
            self._scheduler = Scheduler(self._tools, self.jobs, plan, enabled=enabled)
            self._scheduler.start()

    def close(self) -> None:
        """Begin nothing more, and stop what runs at a safe point."""
        if self._scheduler is not None:
            self._scheduler.close()
        self._watch.close()
        self.jobs.close()
        self.outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
