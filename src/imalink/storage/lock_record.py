"""What a lock file says: who holds the lock, how that is spelled, and what an observer may conclude from it."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import Clock, format_instant
from imalink.storage.host import Host

HEARTBEAT_SECONDS = 30.0
TTL_SECONDS = 120
MAX_TTL_SECONDS = 3600
"""The longest silence that a lock can ask for; what a damaged or hostile one says beyond that does not count."""

_COUNTER_DIGITS = 12
_TOKEN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """Who holds a lock, as its file says. Text from a storage: escape before showing (``describe`` does)."""

    token: str
    host_id: str = ""
    hostname: str = ""
    boot_id: str = ""
    pid_namespace: str = ""
    pid: int = 0
    pid_start: int = 0
    purpose: str = ""
    acquired: str = ""
    heartbeat: int = 0
    ttl_s: int = TTL_SECONDS

    @property
    def silence_seconds(self) -> int:
        """How long the counter must stand still before the holder counts as gone."""
        return min(self.ttl_s, MAX_TTL_SECONDS) if self.ttl_s > 0 else TTL_SECONDS

    def describe(self) -> str:
        """Say who, what for and since when."""
        words = [f"process {self.pid}" if self.pid else "a process", f"on {_shown(self.hostname) or 'an unnamed host'}"]
        if self.purpose:
            words.append(f"for {_shown(self.purpose)}")
        if self.acquired:
            words.append(f"since {_shown(self.acquired)}")
        return " ".join(words)


ILLEGIBLE = LockRecord(token="")
"""What stands for a lock file that is there and tells nothing."""


class LockState(StrEnum):
    """What an observer may conclude about a lock."""

    HELD = "held"
    """Its holder lives, or nothing proves that it does not."""
    STALE = "stale"
    """Its holder is proved dead."""


def is_token(text: str) -> bool:
    """Tell whether a text is spelt as tokens are."""
    return _TOKEN.fullmatch(text) is not None


def new_record(host: Host, *, purpose: str, clock: Clock, ttl_seconds: int) -> LockRecord:
    """Give the record of a lock that this process is about to take, under a token of its own."""
    return LockRecord(
        token=secrets.token_hex(16),
        host_id=host.host_id,
        hostname=host.hostname,
        boot_id=host.boot_id,
        pid_namespace=host.pid_namespace,
        pid=host.pid,
        pid_start=host.pid_start,
        purpose=purpose,
        acquired=format_instant(clock.now()),
        heartbeat=1,
        ttl_s=ttl_seconds,
    )


def can_be_proved_dead(record: LockRecord, host: Host) -> bool:
    """Tell whether one look from ``host`` can show that the holder is gone: a process whose number means something."""
    if not (record.host_id and record.host_id == host.host_id and record.boot_id and host.boot_id):
        return False
    return record.boot_id != host.boot_id or record.pid_namespace == host.pid_namespace


def judge_lock(record: LockRecord, host: Host, *, is_held_here: bool) -> LockState:
    """Decide whether the holder of ``record`` is proved dead, seen from ``host``. Clocks are not asked.

    Stale: same host, other boot; or same host, boot and process-id namespace with that process gone or another one of
    the same number; or this very process, which does not hold it any more.
    """
    if not can_be_proved_dead(record, host):
        return LockState.HELD
    if record.boot_id != host.boot_id:
        return LockState.STALE
    if record.pid <= 0:
        return LockState.HELD
    if record.pid == host.pid and record.pid_start == host.pid_start:
        return LockState.HELD if is_held_here else LockState.STALE
    start = host.find_process_start(record.pid)
    is_dead = start is None or (record.pid_start != 0 and start not in (0, record.pid_start))
    return LockState.STALE if is_dead else LockState.HELD


def dump_lock(record: LockRecord) -> bytes:
    """Spell a record, with room before its counter, so that ``dump_counter`` can be written over that."""
    lines: list[str] = []
    for name in LockRecord.__slots__:
        value: object = getattr(record, name)
        spelled = (
            dump_counter(record.heartbeat).decode() if name == "heartbeat" else json.dumps(value, ensure_ascii=False)
        )
        lines.append(f' "{name}": {spelled}')
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8", "replace")


def dump_counter(heartbeat: int) -> bytes:
    """Spell a counter in always as many bytes: they are written over the older ones in one piece."""
    return f"{heartbeat % 10**_COUNTER_DIGITS:>{_COUNTER_DIGITS}}".encode()


def counter_offset(data: bytes) -> int:
    """Say at which byte of a spelled record the counter stands."""
    found = re.search(rb'^ "heartbeat": ', data, re.MULTILINE)
    assert found is not None
    return found.end()


def parse_lock(data: bytes) -> LockRecord:
    """Read a lock file with doubt; ``ILLEGIBLE`` for what names no token."""
    try:
        raw: object = json.loads(data)
    except (ValueError, RecursionError):
        return ILLEGIBLE
    if not isinstance(raw, dict):
        return ILLEGIBLE
    known = cast("dict[str, object]", raw)
    token = known.get("token")
    if not isinstance(token, str) or not is_token(token):
        return ILLEGIBLE

    def text(key: str) -> str:
        value = known.get(key)
        return value if isinstance(value, str) else ""

    def number(key: str, default: int) -> int:
        value = known.get(key)
        return value if isinstance(value, int) else default

    return LockRecord(
        token=token,
        host_id=text("host_id"),
        hostname=text("hostname"),
        boot_id=text("boot_id"),
        pid_namespace=text("pid_namespace"),
        pid=number("pid", 0),
        pid_start=number("pid_start", 0),
        purpose=text("purpose"),
        acquired=text("acquired"),
        heartbeat=number("heartbeat", 0),
        ttl_s=number("ttl_s", TTL_SECONDS),
    )


def _shown(text: str) -> str:
    return RelativePath(text[:80]).printable()
