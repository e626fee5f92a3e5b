"""Decoding goes on when workers are killed, hang, run out of memory or grow old; nothing is left behind."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from imalink.core.analyser import Analyser, Analysis
from imalink.errors import CancelledError, MachineShortageError
from imalink.media.analyser import PictureAnalyser
from imalink.media.previews import DEFAULT_PIXEL_LIMIT
from imalink.runtime import workers as workers_module
from imalink.runtime.container import Container
from imalink.runtime.settings import load_settings
from imalink.runtime.worker_messages import Limits
from imalink.runtime.workers import SERVER_LIMITS, DecodeWorkers
from tests.support.photos import make_jpeg, make_png
from tests.support.slow_pictures import make_slow_jpeg

GB = 1024**3


def limits(*, memory: int = 3 * GB, cpu_seconds: int = 30) -> Limits:
    return Limits(address_space_bytes=memory, cpu_seconds=cpu_seconds, pixel_limit=DEFAULT_PIXEL_LIMIT)


@pytest.fixture
def workers() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(2) as made:
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return make_jpeg(tmp_path / "a.jpg", seed=1, size=(600, 400), rating=3, orientation=6)


@pytest.fixture
def slow_picture(tmp_path: Path) -> Path:
    """Takes some seconds to decode."""
    return make_slow_jpeg(tmp_path / "slow.jpg", repeats=30)


@pytest.fixture
def endless_picture(tmp_path: Path) -> Path:
    """Takes minutes to decode."""
    return make_slow_jpeg(tmp_path / "endless.jpg", repeats=5_000)


def analysed(analyser: Analyser, path: Path) -> Analysis:
    with path.open("rb") as file:
        return analyser.analyse(file.fileno(), filename=path.name)


def codes(analysis: Analysis) -> list[str]:
    return [finding.code for finding in analysis.findings]


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A zombie that init has not fetched yet is no process any more.
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def soon(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def is_contained(process: int) -> bool:
    """Tell whether a worker is up: it is before it sees its first file."""
    return "Seccomp:\t2" in Path(f"/proc/{process}/status").read_text()


def kill_busy(workers: DecodeWorkers, idle: set[int], times: int) -> threading.Thread:
    """Kill, ``times`` over, whatever worker there is that was not idle before, a moment after it began."""

    def run() -> None:
        killed = set(idle)
        for _ in range(times):
            assert soon(lambda: bool(set(workers.process_ids()) - killed))
            victim = (set(workers.process_ids()) - killed).pop()
            assert soon(lambda: is_contained(victim))  # noqa: B023 - used at once
            time.sleep(0.5)
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_workers_tell_what_this_process_would(workers: DecodeWorkers, tmp_path: Path) -> None:
    files = [
        make_jpeg(
            tmp_path / "a.jpg", seed=1, size=(900, 600), rating=3, orientation=6, gps=(1, 2), keywords=["x", "å"]
        ),
        make_png(tmp_path / "a.png", seed=2),
    ]
    for content, name in ((b"", "empty.jpg"), (b"text\n" * 99, "text.jpg"), (b"\xff\xd8\xff\xe0\x00", "short.jpg")):
        (tmp_path / name).write_bytes(content)
        files.append(tmp_path / name)
    (tmp_path / "png.jpg").write_bytes(files[1].read_bytes())
    files.append(tmp_path / "png.jpg")
    alone = PictureAnalyser()
    for path in files:
        assert analysed(workers, path) == analysed(alone, path)
        with path.open("rb") as file:
            assert workers.fingerprint(file.fileno()) == alone.fingerprint(file.fileno())
            for rotation in (0, 90):
                expected = alone.coldpreview(file.fileno(), filename=path.name, rotation=rotation)
                assert workers.coldpreview(file.fileno(), filename=path.name, rotation=rotation) == expected


def test_a_name_that_is_not_utf8_is_no_trouble(workers: DecodeWorkers, picture: Path) -> None:
    with picture.open("rb") as file:
        assert workers.analyse(file.fileno(), filename=os.fsdecode(b"\xff.jpg")).hotpreview is not None


def test_nothing_is_started_before_the_first_picture_and_nothing_is_left(picture: Path) -> None:
    pool = DecodeWorkers(2)
    assert pool.process_ids() == []
    analysed(pool, picture)
    (process,) = pool.process_ids()
    pool.close()
    pool.close()
    assert not is_running(process)
    assert pool.process_ids() == []
    with pytest.raises(CancelledError):
        analysed(pool, picture)


def test_in_a_server_workers_let_others_have_the_processor_first(picture: Path, tmp_path: Path) -> None:
    settings = load_settings({"IMALINK_HOME": str(tmp_path), "IMALINK_WORKERS": "1"})
    found: dict[bool, int] = {}
    for serves in (False, True):
        with Container(settings, serves=serves) as container:
            analyser = container.tools().analyser
            assert isinstance(analyser, DecodeWorkers)
            assert analysed(analyser, picture).hotpreview is not None
            (process,) = analyser.process_ids()
            found[serves] = os.getpriority(os.PRIO_PROCESS, process)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert found == {False: own, True: min(own + SERVER_LIMITS.niceness, 19)}
    assert SERVER_LIMITS.niceness > 0


def test_the_descriptor_s_position_is_neither_used_nor_moved(workers: DecodeWorkers, picture: Path) -> None:
    with picture.open("rb", buffering=0) as file:
        expected = workers.analyse(file.fileno(), filename="a.jpg")
        file.seek(77)
        assert workers.analyse(file.fileno(), filename="a.jpg") == expected
        assert file.tell() == 77


def test_a_worker_killed_between_two_pictures_costs_nothing(workers: DecodeWorkers, picture: Path) -> None:
    expected = analysed(workers, picture)
    (process,) = workers.process_ids()
    os.kill(process, signal.SIGKILL)
    assert soon(lambda: not is_running(process))
    assert analysed(workers, picture) == expected
    assert process not in workers.process_ids()


def test_a_worker_killed_in_the_middle_costs_nothing(workers: DecodeWorkers, slow_picture: Path, picture: Path) -> None:
    killer = kill_busy(workers, set(), times=1)
    analysis = analysed(workers, slow_picture)
    killer.join()
    assert codes(analysis) == []
    assert analysis.hotpreview is not None
    assert analysed(workers, picture).hotpreview is not None


def test_a_picture_that_kills_twice_costs_only_its_preview(
    workers: DecodeWorkers, slow_picture: Path, picture: Path
) -> None:
    killer = kill_busy(workers, set(), times=2)
    analysis = analysed(workers, slow_picture)
    killer.join()
    assert codes(analysis) == ["decode-crashed"]
    assert analysis.hotpreview is None
    assert (analysis.facts.file_format, analysis.facts.width) == ("JPEG", 8_000)
    assert analysed(workers, picture).hotpreview is not None


def test_a_picture_that_takes_too_long_is_given_up(endless_picture: Path, picture: Path) -> None:
    with DecodeWorkers(1, seconds_a_file=1) as workers:
        started = time.monotonic()
        analysis = analysed(workers, endless_picture)
        assert time.monotonic() - started < 10
        assert codes(analysis) == ["decode-crashed"]
    with DecodeWorkers(1) as workers:
        assert analysed(workers, picture).hotpreview is not None


def test_a_picture_that_takes_too_much_processor_time_is_given_up(endless_picture: Path, picture: Path) -> None:
    with DecodeWorkers(1, limits=limits(cpu_seconds=1)) as workers:
        analysis = analysed(workers, endless_picture)
        assert codes(analysis) == ["decode-crashed"]
        assert analysis.facts.width == 8_000


def test_processor_time_is_limited_for_each_picture_not_for_the_worker_s_life(tmp_path: Path) -> None:
    path = make_slow_jpeg(tmp_path / "slow.jpg", repeats=6)
    with DecodeWorkers(1, limits=limits(cpu_seconds=1)) as workers:
        for _ in range(6):
            assert analysed(workers, path).hotpreview is not None
        assert len(workers.process_ids()) == 1


def test_a_picture_that_wants_too_much_memory_is_given_up(tmp_path: Path, picture: Path) -> None:
    with DecodeWorkers(1, limits=limits(memory=GB // 2)) as workers:
        first = analysed(workers, picture)
        assert first.hotpreview is not None
        path = tmp_path / "large.bmp"
        Image.new("RGB", (13_000, 13_000), (200, 10, 10)).save(path)
        analysis = analysed(workers, path)
        assert analysis.hotpreview is None
        assert set(codes(analysis)) <= {"preview-failed", "decode-crashed"}
        assert codes(analysis)
        assert analysed(workers, picture) == first


def test_a_worn_out_worker_is_replaced(picture: Path) -> None:
    with DecodeWorkers(1, files_a_worker=3) as workers:
        seen: set[int] = set()
        for _ in range(7):
            assert analysed(workers, picture).hotpreview is not None
            seen.update(workers.process_ids())
        assert len(seen) == 3
        assert len(workers.process_ids()) == 1
        assert [process for process in seen if is_running(process)] == workers.process_ids()


def test_several_threads_use_several_workers_and_no_more(tmp_path: Path) -> None:
    paths = [make_jpeg(tmp_path / f"{n}.jpg", seed=n, size=(900, 700)) for n in range(12)]
    expected = [analysed(PictureAnalyser(), path) for path in paths]
    with DecodeWorkers(2) as workers, ThreadPoolExecutor(5) as executor:
        assert list(executor.map(analysed, [workers] * len(paths), paths)) == expected
        assert len(workers.process_ids()) == 2


def test_closing_frees_whoever_waits(endless_picture: Path) -> None:
    workers = DecodeWorkers(1)
    with ThreadPoolExecutor(2) as executor:
        waiting = [executor.submit(analysed, workers, endless_picture) for _ in range(2)]
        assert soon(lambda: bool(workers.process_ids()))
        time.sleep(0.3)
        started = time.monotonic()
        workers.close()
        for each in waiting:
            with pytest.raises(CancelledError):
                each.result(timeout=5)
        assert time.monotonic() - started < 2
    assert workers.process_ids() == []


@contextmanager
def no_more_open_files() -> Generator[Callable[[], None]]:
    """Let this process open no further file in a block, or until what is given is called."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)

    def end() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield end
    finally:
        end()


def test_a_machine_that_can_start_no_worker_is_never_an_answer_about_a_picture(
    workers: DecodeWorkers, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "_SHORTAGE_PAUSES", (0.01, 0.02))
    with picture.open("rb") as file:
        for ask in (workers.analyse, workers.describe, workers.coldpreview):
            with no_more_open_files(), pytest.raises(MachineShortageError, match="Too many open files"):
                ask(file.fileno(), filename=picture.name)
        analysis = workers.analyse(file.fileno(), filename=picture.name)
    assert analysis == analysed(PictureAnalyser(), picture)


def test_a_worker_that_does_not_come_up_is_never_an_answer_about_a_picture(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "_SHORTAGE_PAUSES", (0.01,))
    with DecodeWorkers(1, limits=limits(memory=16 * 1024 * 1024)) as workers:  # not enough for its second thread
        with pytest.raises(MachineShortageError, match="did not come up"):
            analysed(workers, picture)
        assert workers.process_ids() == []


def test_a_short_shortage_of_the_machine_is_waited_for(workers: DecodeWorkers, picture: Path) -> None:
    with picture.open("rb") as file:
        with no_more_open_files() as end:
            timer = threading.Timer(0.25, end)
            timer.start()
            analysis = workers.analyse(file.fileno(), filename=picture.name)
            timer.join()
    assert analysis == analysed(PictureAnalyser(), picture)


def test_descriptors_do_not_leak(picture: Path) -> None:
    def ours() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with DecodeWorkers(1, files_a_worker=5) as workers:
        analysed(workers, picture)
        before = ours()
        for _ in range(12):
            analysed(workers, picture)
        assert ours() == before
        assert len(workers.process_ids()) == 1
    assert ours() < before


def test_many_pictures_do_not_use_up_a_worker_s_descriptors(workers: DecodeWorkers, picture: Path) -> None:
    for _ in range(150):  # of 64 it may have open
        assert analysed(workers, picture).hotpreview is not None
    assert len(workers.process_ids()) == 1


def test_the_disk_s_errors_fly_to_the_caller(workers: DecodeWorkers, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "a.jpg", os.O_WRONLY | os.O_CREAT)
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            workers.analyse(descriptor, filename="a.jpg")
    finally:
        os.close(descriptor)


PARENT = """
import sys, time
from pathlib import Path
from imalink.runtime import workers as workers_module
from imalink.runtime.container import Container
from imalink.runtime.settings import load_settings
from imalink.runtime.workers import SERVER_LIMITS, DecodeWorkers
workers = DecodeWorkers(1)
with open(sys.argv[1], "rb") as file:
    if sys.argv[2] == "idle":
        workers.analyse(file.fileno(), filename="a.jpg")
        print(*workers.process_ids(), flush=True)
        time.sleep(60)
    else:
        import threading
        threading.Thread(target=workers.analyse, args=(file.fileno(),), kwargs={"filename": "a.png"}).start()
        while not workers.process_ids():
            time.sleep(0.01)
        time.sleep(0.4)
        print(*workers.process_ids(), flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_workers_end_with_a_parent_that_is_killed(state: str, picture: Path, endless_picture: Path) -> None:
    path = picture if state == "idle" else endless_picture
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(path), state], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        (worker,) = (int(word) for word in parent.stdout.readline().split())
    assert is_running(worker)
    parent.kill()
    parent.wait()
    assert soon(lambda: not is_running(worker), seconds=4)


def test_a_parent_that_ends_without_closing_leaves_nothing(picture: Path) -> None:
    code = PARENT.replace("time.sleep(60)", "pass")
    run = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", code, str(picture), "idle"],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert soon(lambda: not is_running(int(run.stdout)))
    assert run.stderr == ""


CONTAINED = """
import json, os, resource, socket, subprocess, sys
from imalink.runtime.worker_limits import contain
from imalink.runtime.worker_messages import Limits
writable = os.open(sys.argv[1], os.O_RDWR)
contain(Limits(address_space_bytes=1 << 30, cpu_seconds=1, pixel_limit=1))
def refused(act):
    try:
        act()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "allowed"
path = sys.argv[1]
print(json.dumps({
    "connect": refused(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1)),
    "run": refused(lambda: subprocess.run(["true"])),
    "write": refused(lambda: open(path, "r+b")),
    "make": refused(lambda: open(path + ".new", "wb")),
    "remove": refused(lambda: os.unlink(path)),
    "rename": refused(lambda: os.rename(path, path + ".x")),
    "write at": refused(lambda: os.pwrite(writable, b"x", 0)),
    "truncate": refused(lambda: os.ftruncate(writable, 0)),
    "date": refused(lambda: os.utime(path, (1, 1))),
    "permit": refused(lambda: os.chmod(path, 0o777)),
    "signal": refused(lambda: os.kill(os.getppid(), 0)),
    "memory": refused(lambda: bytearray(2 << 30)),
    "read": refused(lambda: open(path, "rb").read()),
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_a_worker_can_read_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"kept")
    run = subprocess.run([sys.executable, "-c", CONTAINED, str(path)], check=True, capture_output=True, text=True)
    told = json.loads(run.stdout)
    assert told.pop("read") == "allowed"
    assert told.pop("memory") == "MemoryError"
    assert set(told.values()) == {"PermissionError"}, told
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]
    assert path.read_bytes() == b"kept"


# Raw calls of a process about its parent: number on x86_64 and on aarch64, then the arguments, PARENT for its number.
PARENT_CALLS = {
    "kill": (62, 129, ("PARENT", 0)),
    "tkill": (200, 130, ("PARENT", 0)),
    "tgkill": (234, 131, ("PARENT", "PARENT", 0)),
    "rt_sigqueueinfo": (129, 138, ("PARENT", 0, "ZEROS")),
    "rt_tgsigqueueinfo": (297, 240, ("PARENT", "PARENT", 0, "ZEROS")),
    "pidfd_open": (434, 434, ("PARENT", 0)),
    "pidfd_send_signal": (424, 424, ("PARENT_FD", 0, 0, 0)),
    "process_vm_readv": (310, 270, ("PARENT", 0, 0, 0, 0, 0)),
    "process_vm_writev": (311, 271, ("PARENT", 0, 0, 0, 0, 0)),
    "ptrace": (101, 117, (0x4206, "PARENT", 0, 0)),
    "prlimit64": (302, 261, ("PARENT", 7, 0, "ZEROS")),
    "fcntl F_SETOWN": (72, 25, ("SOCKET", 8, "PARENT")),
    "fcntl F_SETOWN_EX": (72, 25, ("SOCKET", 15, "OWNER")),
    "ioctl FIOSETOWN": (16, 29, ("SOCKET", 0x8901, "PARENT_AT")),
    "ioctl SIOCSPGRP": (16, 29, ("SOCKET", 0x8902, "PARENT_AT")),
}
REACHING = """
import ctypes, errno, json, os, socket, sys
from imalink.runtime.worker_limits import contain
from imalink.runtime.worker_messages import Limits
library = ctypes.CDLL(None, use_errno=True)
parent, zeros = os.getppid(), ctypes.create_string_buffer(128)
parent_at, owner = ctypes.c_int(parent), (ctypes.c_int * 2)(1, parent)
ours, theirs = socket.socketpair()
known = {
    "PARENT": parent, "SOCKET": ours.fileno(), "PARENT_FD": os.pidfd_open(parent), "ZEROS": ctypes.addressof(zeros),
    "PARENT_AT": ctypes.addressof(parent_at), "OWNER": ctypes.addressof(owner),
}
if sys.argv[1] == "contained":
    contain(Limits(address_space_bytes=1 << 30, cpu_seconds=1, pixel_limit=1))
told = {}
for name, (number, arguments) in json.loads(sys.argv[2]).items():
    ctypes.set_errno(0)
    result = library.syscall(*(ctypes.c_long(known.get(each, each)) for each in (number, *arguments)))
    told[name] = "allowed" if result >= 0 else errno.errorcode[ctypes.get_errno()]
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="no numbers of calls for this processor")
def test_a_worker_cannot_reach_its_parent() -> None:
    at = 0 if platform.machine() == "x86_64" else 1
    calls = {name: (each[at], each[2]) for name, each in PARENT_CALLS.items()}

    def told(how: str) -> dict[str, str]:
        command = [sys.executable, "-c", REACHING, how, json.dumps(calls)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert set(told("contained").values()) == {"EPERM"}, told("contained")
    # Not contained, most get through: it is the filter that refuses, not a mistake in a call.
    through = {name for name, result in told("free").items() if result == "allowed"}
    assert {"tgkill", "pidfd_open", "pidfd_send_signal", "fcntl F_SETOWN", "ioctl FIOSETOWN"} <= through


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("os.abort()", -signal.SIGABRT),
        ("signal.raise_signal(signal.SIGTERM)", -signal.SIGTERM),
        ("ctypes.string_at(1)", -signal.SIGSEGV),
        ("allow_cpu_seconds(0); exec('while True: pass')", -signal.SIGXCPU),
        (
            "which = resource.RLIMIT_NOFILE; resource.setrlimit(which, (9, 9)); sys.exit(resource.getrlimit(which)[0])",
            9,
        ),
    ],
)
def test_a_contained_worker_still_ends_and_limits_itself(act: str, code: int) -> None:
    program = f"""
import ctypes, os, resource, signal, sys
from imalink.runtime.worker_limits import allow_cpu_seconds, contain
from imalink.runtime.worker_messages import Limits
contain(Limits(address_space_bytes=1 << 30, cpu_seconds=1, pixel_limit=1))
{act}
"""
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, timeout=20)
    assert run.returncode == code, run.stderr


def test_workers_are_of_this_very_package_wherever_it_stands(tmp_path: Path, picture: Path) -> None:
    """A copy that is not installed, run from its own folder, starts workers of that copy."""
    package = Path(workers_module.__file__).parents[1]
    shutil.copytree(package, tmp_path / "elsewhere" / "imalink", ignore=shutil.ignore_patterns("__pycache__"))
    code = """
import sys
from imalink.runtime import workers
assert workers.__file__.startswith(sys.argv[2]), workers.__file__
with workers.DecodeWorkers(1) as pool, open(sys.argv[1], "rb") as file:
    assert pool.analyse(file.fileno(), filename="a.jpg").hotpreview is not None
    (process,) = pool.process_ids()
    print(open(f"/proc/{process}/cmdline").read())
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(picture), str(tmp_path)],
        cwd=tmp_path / "elsewhere",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "elsewhere")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert str(tmp_path / "elsewhere") in run.stdout
