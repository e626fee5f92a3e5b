"""Looks at one hostile storage after another, each in a process of its own; prints what came of them as JSON.

Run as ``python -m tests.hostile.runner FOLDER``: the storages are made in FOLDER.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from imalink.catalog.catalog import Catalog
from imalink.errors import ImalinkError
from imalink.workflows.preview_storage import preview_storage
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.hostile.cases import BAIT, Case, all_cases
from tests.support.faults import AuditingCalls
from tests.support.scenes import Scene
from tests.support.workbench import Workbench, make_source

LONGEST_SECONDS = 60


def look(case: Case, folder: Path, empty: Path) -> dict[str, Any]:
    """Preview the storage, and recover it where the case says so; give what was told and what was opened."""
    root = folder / "disk"
    calls = AuditingCalls()
    answer: dict[str, Any] = {"name": case.name, "told": [], "error": "", "bug": ""}
    with Workbench(folder / "stranger", empty_catalog=empty, name="stranger", calls=calls) as bench:
        try:
            preview = preview_storage(bench.tools, root)
            answer["told"] = sorted({finding.code for finding in preview.findings})
        except ImalinkError as error:
            answer["error"] = type(error).__name__
        except Exception:  # noqa: BLE001 - whatever it is, it is what this suite looks for
            answer["bug"] = traceback.format_exc()
        if case.recovers and not answer["bug"]:
            try:
                candidates, _ = find_candidates(bench.tools, [root])
                recover(bench.tools, candidates)
            except ImalinkError:
                pass
            except Exception:  # noqa: BLE001 - see above
                answer["bug"] = "recover: " + traceback.format_exc()
        answer["outside"] = [str(path) for path in calls.opened_outside(root, bench.home)]
    return answer


def run(case: Case, good: Path, folder: Path, empty: Path) -> dict[str, Any]:
    """Damage a copy of the good storage and look at it in a process of its own, whose memory is measured."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder / "disk", symlinks=True)
    (folder / BAIT).mkdir()
    (folder / BAIT / "secret.json").write_text('{"secret": true}')
    (folder / "stranger").mkdir()
    case.damage(folder / "disk")
    reading, writing = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        signal.alarm(LONGEST_SECONDS)
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            json.dump(look(case, folder, empty), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status, usage = os.wait4(child, 0)
    answer: dict[str, Any] = json.loads(said) if said else {"name": case.name, "bug": f"died, status {status}"}
    answer["expected"] = case.expected
    answer["rss_mb"] = usage.ru_maxrss / 1024
    answer["cpu_seconds"] = usage.ru_utime + usage.ru_stime
    answer["seconds"] = time.monotonic() - started
    return answer


def main() -> None:
    work = Path(sys.argv[1])
    empty = work / "empty.sqlite"
    Catalog.open(f"sqlite:///{empty}").close()
    made = work / "made"
    made.mkdir()
    with Scene(made, empty) as scene:
        card = make_source(made / "card", 2)
        scene.import_(card)
        good = scene.root
    for case in all_cases():
        sys.stdout.write(json.dumps(run(case, good, work / "case", empty)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
