"""A PostgreSQL server of the tests' own: on a socket in a folder of its own, with a database for each test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

WHY_NOT = "no PostgreSQL: initdb is neither on the PATH nor below /usr/lib/postgresql"
_UNPRIVILEGED = 65534
"""Whom the server runs as where the tests run as root: it refuses to be root."""

_SETTINGS = {
    "listen_addresses": "",  # only the socket: no port is taken
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "timezone": "Asia/Tokyo",  # nothing may rest on the server's zone
}


def find_programs() -> Path | None:
    """Give the folder of the newest PostgreSQL server that is installed, if there is one."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: int(path.parent.name) if path.parent.name.isdecimal() else 0)
    on_path = shutil.which("initdb")
    return None if on_path is None else Path(on_path).resolve().parent


class PostgresServer:
    """A running server with an empty catalog as template; ended, and its files removed, by ``close``."""

    def __init__(self, programs: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="imalink-pg-"))
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._folder, self._user, self._user)
        self._data = self._folder / "data"
        self._programs = programs
        self._count = 0
        # Sorted as a language has it, so that whatever rests on the order of bytes has to say so.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US")
        self._run("initdb", "-D", str(self._data), "-U", "imalink", "--auth=trust", "--no-sync", "-N", *locale)
        self._process = self._start()
        self._has_template = False

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [str(self._programs / program), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments),
            user=self._user,
            group=self._user,
            cwd=self._folder,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')}")

    def _start(self) -> subprocess.Popen[bytes]:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                self._command("postgres", "-D", str(self._data), "-k", str(self._folder), *settings),
                user=self._user,
                group=self._user,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.execute("SELECT 1")
            except OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"The server did not start:\n{(self._folder / 'log').read_text()}") from None
                time.sleep(0.05)
            else:
                return process

    def url(self, database: str = "postgres") -> str:
        """Give the address of a database."""
        return f"postgresql+psycopg://imalink@/{database}?host={self._folder}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of any transaction."""
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def make_database(self, *, is_empty: bool = False, options: str = "") -> str:
        """Make a database with an empty catalog in it, or with nothing, and give its address."""
        self._count += 1
        name = f"test_{self._count}"
        if is_empty:
            self.execute(f"CREATE DATABASE {name} {options}")
        else:
            if not self._has_template:
                from imalink.catalog.catalog import Catalog

                self.execute("CREATE DATABASE empty_catalog")
                Catalog.open(self.url("empty_catalog")).close()
                self._has_template = True
            self.execute(f"CREATE DATABASE {name} TEMPLATE empty_catalog STRATEGY file_copy")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        name = url.partition("@/")[2].partition("?")[0]
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        """End the server at once, as a reboot would."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)

    def start_again(self) -> None:
        """Start the server that was stopped."""
        self._process = self._start()

    def close(self) -> None:
        """End the server and remove its files."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
