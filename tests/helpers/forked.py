"""The command `sim` in a process of its own, forked from one that has imported everything once.

What such a process may use is limited, and what it did is judged: it ends with 0, 1 or 2, says what
is wrong in one message and without a traceback, in bounded time and memory, and leaves nothing.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WALL_S, CPU_S = 60.0, 20
"""A command that takes longer has no end that is worth waiting for."""
MEMORY = 3 << 30
"""Bytes that a command may take beside what the process that it is forked from has."""
LINGER_S = 3.0
"""Processes that a command began have ended so long after it."""
MOST_SAID = 40_000
"""Letters of one message, at most."""

_JARGON = re.compile(
    r"Traceback \(most recent call last\)|Exception in thread|Exception ignored|np\.\w+\(|"
    r"<class '|object at 0x|Value error,|Input should|\[Errno \d|type=\w+_\w+|^Aborted"
)
"""What is for programmers, and never for the person in front of the command."""
_OPTION = re.compile(r"Invalid value for '--?[\w-]+': (Value error,|Input should)")
"""Typer's own words of an option, which the lab does not choose."""
_TEMPORARY = re.compile(r"\.writing-\d+|\.replaced-[0-9a-f]{32}|\.partial$|\.tmp$")


@dataclass(frozen=True)
class Attempt:
    """One command and what it finds."""

    seed: int
    kind: str
    arguments: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By path in the folder where the command is given."""
    state: tuple[tuple[str, ...], ...] = ()
    """What else is there, in this order: `prepare` knows the words."""

    def as_data(self) -> dict[str, Any]:
        """For a JSON file."""
        files = {name: content.decode("latin-1") for name, content in self.files.items()}
        return {**asdict(self), "files": files}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Attempt":
        """From a JSON file."""
        files = {name: text.encode("latin-1") for name, text in data["files"].items()}
        state = tuple(tuple(words) for words in data["state"])
        return cls(data["seed"], data["kind"], tuple(data["arguments"]), files, state)


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    status: int
    """Exit code; below 0: killed by that signal."""
    out: str
    err: str
    wall_s: float
    peak: int
    """Most bytes in memory, with what was there before the fork."""
    faults: tuple[str, ...]
    """What should not be."""


def prepare(attempt: Attempt, folder: Path, stored: Path) -> None:
    """Make what an attempt finds. `stored` is a result that some attempts have a copy of."""
    for name, content in attempt.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for word, *names in attempt.state:
        first = folder / names[0] if names else folder
        first.parent.mkdir(parents=True, exist_ok=True)
        match word:
            case "folder":
                first.mkdir(exist_ok=True)
            case "fifo":
                os.mkfifo(first)
            case "link":
                first.symlink_to(names[1])
            case "result":
                shutil.copytree(stored, first)
            case "damaged":
                content = first.read_bytes()
                first.write_bytes(content[: int(names[1])] + names[2].encode())
            case "gone":
                first.unlink()
            case "no access":
                first.chmod(0o000)
            case "read only":
                first.chmod(0o555)
            case "as nobody" | "file size":
                pass  # of the process
            case _:
                raise ValueError(word)


def _limit(attempt: Attempt) -> None:
    """In the process of the command: its limits, and its user."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for word, *names in attempt.state:
        if word == "file size":
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(names[0]), int(names[0])))
        if word == "as nobody" and os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)


def _sim() -> None:
    from sim.cli.commands import main

    main()


def be_the_command(
    attempt: Attempt,
    folder: Path,
    said: tuple[Path, Path],
    command: Callable[[], object] = _sim,
) -> None:
    """What the forked process does; it does not come back."""
    status = 1
    try:
        os.setsid()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, path in enumerate(("/dev/null", *said)):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
            os.dup2(os.open(path, flags), number)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115
        os.chdir(folder)
        os.environ |= {"TMPDIR": str(folder.parent / "tmp"), "COLUMNS": "100"}
        tempfile.tempdir = None
        sys.argv = ["sim", *attempt.arguments]
        _limit(attempt)
        try:
            command()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(status)


def survivors(session: int) -> list[int]:
    """Processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def _wait(pid: int) -> tuple[int, resource.struct_rusage]:
    """The end of a process, or of the patience with it."""
    until_s = time.monotonic() + WALL_S
    pause_s = 0.002
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), usage
        if time.monotonic() > until_s:
            os.kill(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            return os.waitstatus_to_exitcode(status), usage
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.3, 0.05)


def _clean_up(session: int) -> list[int]:
    """Wait until the processes of a session have ended, and end those that do not."""
    until_s = time.monotonic() + LINGER_S
    while (left := survivors(session)) and time.monotonic() < until_s:
        time.sleep(0.02)
    for process in left:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
    return left


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file below a folder with its content; of what is no file, what it is."""
    found: dict[str, bytes | str] = {}
    for where, folders, names in os.walk(folder):
        for name in names + [d for d in folders if Path(where, d).is_symlink()]:
            path = Path(where, name)
            kind = "link" if path.is_symlink() else "file" if path.is_file() else "other"
            found[str(path.relative_to(folder))] = path.read_bytes() if kind == "file" else kind
    return found


def attempted(
    attempt: Attempt, stored: Path, real: bool = False, command: Callable[[], object] = _sim
) -> Outcome:
    """Give a command in a folder of its own and judge it.

    Args:
        attempt: the command and what it finds.
        stored: folder of a result.
        real: start a new interpreter, as a person would, rather than fork.
        command: what the forked process does.
    """
    above = Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder, temporary = above / "here", above / "tmp"
    try:
        for made in (folder, temporary):
            made.mkdir()
            made.chmod(0o777)
        above.chmod(0o755)
        prepare(attempt, folder, stored)
        before = tree(folder)
        said = (above / "out", above / "err")
        began_s = time.monotonic()
        if real:
            pid = _started(attempt, folder, said)
        else:
            sys.stdout.flush()
            sys.stderr.flush()
            pid = os.fork()
            if pid == 0:
                be_the_command(attempt, folder, said, command)
        status, usage = _wait(pid)
        wall_s = time.monotonic() - began_s
        left = _clean_up(pid)
        out, err = (path.read_bytes().decode(errors="replace") for path in said)
        faults = [*_of_the_end(status, wall_s), *_of_what_was_said(status, out, err)]
        faults += [f"{len(left)} processes are left"] * bool(left)
        after = tree(folder)
        if "are kept, and the same command goes on" in err:
            after = {name: after[name] for name in after if ".partial/" not in name}
        faults += _of_what_is_left(status, before, after, attempt)
        if any(temporary.iterdir()):
            faults.append(f"temporary files are left: {sorted(tree(temporary))[:3]}")
        return Outcome(status, out, err, wall_s, usage.ru_maxrss << 10, tuple(faults))
    finally:
        for path in [folder, *folder.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(above)


def _started(attempt: Attempt, folder: Path, said: tuple[Path, Path]) -> int:
    """A new interpreter with the command; its process and its session have this number."""
    environment = {**os.environ, "TMPDIR": str(folder.parent / "tmp"), "COLUMNS": "100"}
    with said[0].open("wb") as out, said[1].open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "sim", *attempt.arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    process.returncode = 0  # `_wait` waits for it
    return process.pid


def _of_the_end(status: int, wall_s: float) -> list[str]:
    if wall_s > WALL_S or status in (-signal.SIGKILL, -signal.SIGXCPU):
        return [f"it has no end within {WALL_S:.0f} s, {CPU_S} s of a processor"]
    if status < 0:
        return [f"killed by {signal.Signals(-status).name}"]
    return [] if status in (0, 1, 2) else [f"ends with {status}"]


def _of_what_was_said(status: int, out: str, err: str) -> list[str]:
    faults = []
    if found := _JARGON.search(_OPTION.sub("", out + err)):
        faults.append(f"says {found[0]!r}")
    if status in (1, 2) and not err.strip():
        faults.append(f"ends with {status} and does not say why")
    if len(err) > MOST_SAID:
        faults.append(f"a message of {len(err):,} letters")
    return faults


def _of_what_is_left(
    status: int, before: Mapping[str, object], after: Mapping[str, object], attempt: Attempt
) -> list[str]:
    faults = []
    own = [name for name in before if name in attempt.files and before[name] != after.get(name)]
    faults += [f"{name} was there and is another now" for name in own[:1]]
    new = after.keys() - before.keys()
    if temporary := sorted(n for n in new if any(map(_TEMPORARY.search, n.split("/")))):
        faults.append(f"left behind: {temporary[0]}")
    elif status != 0 and new:
        faults.append(f"half-written: {sorted(new)[0]}")
    return faults
