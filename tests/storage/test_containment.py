"""Nothing is opened outside a storage, whatever stands in it and whoever swaps folders for links meanwhile."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from imalink import errors
from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls
from imalink.storage.fs import StorageFiles
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import scan_storage
from imalink.storage.syscalls import SystemCalls, opens_beneath
from tests.support.faults import AuditingCalls, WalkingCalls
from tests.support.photos import make_jpeg
from tests.support.seccomp import refusing_program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

WAYS: dict[str, Callable[[], FileCalls]] = {
    "by the kernel": SystemCalls,
    "part by part (ENOSYS)": WalkingCalls,
    "part by part (EPERM)": lambda: WalkingCalls(number=errno.EPERM),
}
ANSWERS = (errors.UnsafePathError, errors.NotFoundError, errors.StorageError)
TRIES = 3000


@pytest.fixture(params=WAYS)
def calls(request: pytest.FixtureRequest) -> AuditingCalls:
    return AuditingCalls(WAYS[request.param]())


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A folder with ``a/b/file``; beside it ``outside/b/file``, which nobody may open."""
    for folder, text in (("storage/a", "inside"), ("outside", "outside")):
        (tmp_path / folder / "b").mkdir(parents=True)
        (tmp_path / folder / "b" / "file").write_text(text)
    return tmp_path / "storage"


@contextmanager
def swapping(storage: Path, name: str, link: str) -> Generator[None]:
    """Let a folder and a symbolic link change names, in one step each time, for as long as the block runs."""
    (storage / "link").symlink_to(link)
    parent, _, last = name.rpartition("/")
    driver = SystemCalls()
    here, there = driver.open_root(str(storage / parent)), driver.open_root(str(storage))
    stopped = threading.Event()

    def swap() -> None:
        while not stopped.is_set():
            driver.rename_exchange(here, last, there, "link")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        driver.close(here)
        driver.close(there)


def tree(folder: Path) -> Iterator[str]:
    return (str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))


def test_this_kernel_keeps_below_the_root_or_says_that_it_cannot() -> None:
    release = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    assert opens_beneath() or release < (5, 6) or os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")


@pytest.mark.parametrize("path", ["..", "a/..", "a/../..", "../outside", "a/../../outside", "/etc", "a//b", "./a", ""])
def test_a_path_that_goes_up_is_refused_before_anything_is_opened(
    storage: Path, calls: AuditingCalls, path: str
) -> None:
    with StorageRoot.open(storage, calls=calls) as root:
        calls.opened.clear()
        with pytest.raises(errors.UnsafePathError):
            root.open_directory(RelativePath(path))
        with pytest.raises(errors.ImalinkError):
            StorageFiles(root).read_bytes(RelativePath(f".imalink/{path}/../../outside/b/file"), 100)
    assert calls.opened == []


@pytest.mark.skipif(not opens_beneath(), reason="this kernel has no openat2")
@pytest.mark.parametrize("path", ["..", "a/../..", "/etc", "link", "link/b", "a/up"])
def test_the_kernel_itself_refuses_to_leave(storage: Path, path: str) -> None:
    """Were the check of the text forgotten, the call would still not leave."""
    (storage / "link").symlink_to("../outside")
    (storage / "a" / "up").symlink_to("../..")
    driver = SystemCalls()
    descriptor = driver.open_root(str(storage))
    with pytest.raises(OSError, match=r"cross-device|symbolic links") as caught:
        driver.open_beneath(descriptor, path)
    assert caught.value.errno in (errno.EXDEV, errno.ELOOP)
    opened = driver.open_beneath(descriptor, "a/b")
    assert os.fstat(opened).st_ino == (storage / "a" / "b").stat().st_ino
    assert not os.get_inheritable(opened)
    driver.close(opened)
    driver.close(descriptor)


@pytest.mark.parametrize("swapped", ["a", "a/b"])
@pytest.mark.parametrize("link", ["../outside", "/etc", "."])
def test_a_folder_swapped_for_a_link_in_mid_walk_leads_nowhere(
    storage: Path, calls: AuditingCalls, swapped: str, link: str
) -> None:
    before = list(tree(storage.parent / "outside"))
    seen: set[str] = set()
    with StorageRoot.open(storage, calls=calls) as root, swapping(storage, swapped, link):
        files = StorageFiles(root)
        for number in range(TRIES):
            try:
                seen.add(files.read_bytes(RelativePath("a/b/file"), 100).decode())
            except errors.ImalinkError as error:
                seen.add(type(error).__name__)
            if number % 10 == 0:
                with suppress(*ANSWERS):
                    files.replace(RelativePath("a/b/new"), b"x")
            if {"inside", "UnsafePathError"} <= seen and number > TRIES // 10:
                break
    assert "outside" not in seen
    assert {"inside", "UnsafePathError"} <= seen, "the swaps and the reads never met"
    assert calls.opened_outside(storage) == []
    assert list(tree(storage.parent / "outside")) == before


def test_a_walk_while_folders_are_swapped_for_links_stays_inside(storage: Path, calls: AuditingCalls) -> None:
    for number in range(20):
        make_jpeg(storage / "a" / "b" / f"{number}.jpg", seed=number, size=(16, 16))
    make_jpeg(storage.parent / "outside" / "b" / "secret.jpg", seed=99, size=(16, 16))
    sizes: set[int] = set()
    codes: set[str] = set()
    with StorageRoot.open(storage, calls=calls) as root, swapping(storage, "a", "../outside"):
        for _ in range(TRIES // 10):
            with suppress(errors.StorageError, errors.NotFoundError):
                result = scan_storage(StorageFiles(root), photo_root=None, own_names=frozenset())
                sizes.add(len(result.files))
                codes |= {finding.code for finding in result.findings}
                assert not any("secret" in path for path in result.files)
            if len(sizes) > 1 and codes:
                break
    assert 21 in sizes
    assert "storage-symlink" in codes
    assert calls.opened_outside(storage) == []


def test_where_a_container_forbids_the_call_everything_works_and_config_says_so(tmp_path: Path) -> None:
    program = refusing_program(437, errno.EPERM)
    if program is None:
        pytest.skip("no seccomp filters for this machine")
    code = (
        "import sys, ctypes, json; from tests.support.seccomp import install; install(bytes.fromhex(sys.argv[1]))\n"
        "from pathlib import Path; from imalink.storage.syscalls import opens_beneath\n"
        "from imalink.storage.root import StorageRoot; from imalink.storage.fs import StorageFiles\n"
        "from imalink.core.relative_path import RelativePath\n"
        "from imalink.errors import UnsafePathError\n"
        "files = StorageFiles(StorageRoot.open(sys.argv[2]))\n"
        "files.make_directories(RelativePath('x/y')); files.replace(RelativePath('x/y/z'), b'data')\n"
        "try: files.read_bytes(RelativePath('link/passwd'), 100); refused = False\n"
        "except UnsafePathError: refused = True\n"
        "print(json.dumps([opens_beneath(), files.read_bytes(RelativePath('x/y/z'), 9).decode(), refused]))\n"
        "sys.stdout.flush(); sys.argv = ['imalink', 'config', '--json']\n"
        "from imalink.cli.main import main; main()\n"
    )
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to("/etc")
    run = subprocess.run(
        [sys.executable, "-c", code, program.hex(), str(tmp_path / "root")],
        env={**os.environ, "IMALINK_HOME": str(tmp_path / "home"), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    first, _, rest = run.stdout.partition("\n")
    assert json.loads(first) == [False, "data", True]
    assert json.loads(rest)["containment"] == "walk"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_kernels_own_record_of_a_recovery_holds_no_file_outside(tmp_path: Path) -> None:
    """As strace tells it: no file below the bait beside the disk is ever opened, although five links lead there."""
    home, disk, bait = tmp_path / "home", tmp_path / "disk", tmp_path / "bait"
    environment = {**os.environ, "IMALINK_HOME": str(home), "IMALINK_WORKERS": "0"}
    imalink = [sys.executable, "-m", "imalink"]

    def run(*arguments: str, traced: Path | None = None) -> subprocess.CompletedProcess[str]:
        tracing = [] if traced is None else ["strace", "-f", "-y", "-e", "trace=open,openat,openat2", "-o", str(traced)]
        return subprocess.run(
            [*tracing, *imalink, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    disk.mkdir()
    bait.mkdir()
    (bait / "session_1.json").write_text("{}")
    make_jpeg(bait / "secret.jpg", seed=3, size=(16, 16))
    for number in range(2):
        make_jpeg(tmp_path / "card" / f"{number}.jpg", seed=number, size=(16, 16))
    made = json.loads(run("storage", "create", str(disk), "--name", "Blue", "--json").stdout)
    assert run("import", str(tmp_path / "card"), "--storage", "Blue", "--title", "T").returncode == 0
    root = Path(made["full_path"])
    (root / "photos" / "linked").symlink_to(bait)
    (root / "photos" / "linked.jpg").symlink_to(bait / "secret.jpg")
    (root / "imports" / "session_2.json").symlink_to(bait / "session_1.json")
    (root / ".imalink" / "metadata" / "journal").mkdir(exist_ok=True)
    (root / ".imalink" / "metadata" / "journal" / "writer").symlink_to(bait)
    (root / ".imalink" / "staging" / "run").symlink_to(bait)
    trace = tmp_path / "trace"
    said = run("recover", str(disk), "--verify", "--yes", "--json", traced=trace)
    if "PTRACE" in said.stderr.upper():
        pytest.skip("this container lets nobody be traced")
    assert "Traceback" not in said.stderr
    lines = trace.read_text().splitlines()
    opened = [found[1] for line in lines if (found := re.search(r"= \d+<(.*)>$", line)) is not None]
    assert any(path.startswith(str(root / "imports")) for path in opened)
    assert [path for path in opened if path.startswith(str(bait))] == []
