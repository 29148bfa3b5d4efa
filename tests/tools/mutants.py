"""Do the tests see it when the code is wrong? Wrong code on purpose, and tests (`make mutants`).

    python tests/tools/mutants.py --count 300 --seed 1             # kernels, coordinators, ...
    python tests/tools/mutants.py sim/log/group_kernel.py          # one file

A mutant is the code with one thing changed: a comparison, a sign, a number, a condition negated, a
statement left out; -1, which mostly means none, becomes 0. It is killed if a test fails or does not
end. One that survives is printed with its place: either a test is missing, or what was changed
makes no difference (`EQUIVALENT`, with the reason).

All runs as plain Python in forks of one process that has imported everything and collected the
tests. Each test is first run once by itself: how long it takes, and which blocks of code it enters.
This and what killed before is kept in `build/mutants.json`; a test that has changed runs again, and
so do all when some code has (`--hasty`: those that enter the file). A mutant meets only tests that
enter its block: first those that killed before, then those of its module, of its room, and of
others, each time the fastest first. Of tests that take long as plain Python, which are those with
hundreds of random cases, it meets the first seconds: a failure within them counts.
"""

import argparse
import ast
import gc
import hashlib
import json
import os
import random
import resource
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from math import inf
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

if __name__ == "__main__":  # before a kernel is imported; not where a test imports this file
    os.environ["SIM_KERNELS"] = "python"
ROOT = Path(__file__).parents[2]
TARGETS = (
    "sim/*/*_kernel.py",
    "sim/log/kafka_coordinator.py",
    "sim/log/kafka_rebalance_*.py",
    "sim/log/kinesis_leases.py",
    "sim/injection/*.py",
    "sim/measure/*.py",
)
ROOMS = ("engine", "injection", "ledger", "log", "measure", "producer", "queue", "systems")
ROOMS += ("traffic",)
NOT_BY = ("compiler_changes_nothing", "compiled", "real_client", "test_environment.py")
NOT_BY += ("test_size.py",)
"""Tests that compare with code of their own see that there was a change, not that it is wrong; the
last ones run the lab in processes of their own, where no mutant is."""
SLOWEST_S = 8.0
"""Of a test that takes longer uncompiled, a mutant meets so much."""
BUDGET_S = 30.0
"""Of tests a mutant, by the time that they take without it; and so much of slow ones again."""
KEPT = ROOT / "build" / "mutants.json"
"""What is known of tests from the last time."""
ENOUGH = 0.95
"""Of all mutants, so many are to be killed."""
MEMORY = 6 << 30
"""Bytes that a mutant may take; one that wants more is killed."""

EQUIVALENT = {
    (
        "sim/queue/sqs_standard_state_kernel.py",
        "self.parked: I64 = np.zeros(1 << (workers - «1»).bit_length(), np.int64)",
        "- 1",
    ): "a ring of twice the room holds the same",
    (
        "sim/queue/senders_kernel.py",
        "before = «s.first[one] < s.first[other]»",
        "0: < -> <=",
    ): "no two calls begin with the same message",
    (
        "sim/queue/senders_kernel.py",
        "right = child + 2 + («s3 < s2»)",
        "0: < -> <=",
    ): "threads that are free at the same time are alike",
    (
        "sim/log/group_visits_kernel.py",
        "if «since > limit_s» or not _is_calm(group, m):",
        "0: > -> >=",
    ): "a poll at the limit is then taken as a step, with the same bits",
    (
        "sim/log/group_visits_kernel.py",
        "if «at > calm_s»:",
        "0: > -> >=",
    ): "a commit at that very time is then taken as a step, with the same bits",
    (
        "sim/log/kinesis_leases.py",
        "if «bad.restart_after_s < np.inf»:",
        "0: < -> <=",
    ): "who waits for ever starts as little as who does not wait",
    (
        "sim/log/kinesis_leases.py",
        "free_s = «max(group.free_s(shard) for shard in busy)»",
        "max -> min",
    ): "it looks again when the first of them is free, and again",
    (
        "sim/producer/kafka_client_batches_kernel.py",
        "due_s = num.INF",
        "dropped",
    ): "it is called again at once, and finds that nothing else is due",
    (
        "sim/producer/kafka_client_state_kernel.py",
        "self.position = «0»",
        "+ 1",
    ): "a process that starts sets it to what is committed",
    (
        "sim/queue/broker_arrivals_kernel.py",
        "lanes_kernel.pop(b.lanes, lane)",
        "dropped",
    ): "who looks for the first that is ready passes over what is gone",
    (
        "sim/queue/broker_events_kernel.py",
        "self.poll_is_first = False",
        "dropped",
    ): "`first_s` sets it before anybody looks",
    (
        "sim/queue/broker_events_kernel.py",
        "return «num.integer(events.serial[a]) < num.integer(events.serial[b])»",
        "0: < -> <=",
    ): "no two events have the same number",
    (
        "sim/queue/broker_faults_kernel.py",
        "b.consumers.call[c] += «1»",
        "+ 1",
    ): "any number that is not that of the call before will do",
    (
        "sim/queue/broker_kernel.py",
        "busy = «-1»",
        "+ 1",
    ): "consumer 0 looks for work once more, and finds none",
    (
        "sim/queue/broker_kernel.py",
        "if «unlock_s <= now»:",
        "0: <= -> <",
    ): "what is due now is done in the next step, at the same time",
    (
        "sim/traffic/draws_kernel.py",
        "if «probability[i] < 1.0»:",
        "0: < -> <=",
    ): "of 1, the alias is never taken",
    (
        "sim/ledger/book_kernel.py",
        "self.parked: I32 = np.full(events if policy == codes.STRICT else 0, «-1», np.int32)",
        "+ 1",
    ): "nobody looks at it but STRICT, and any negative number is none",
    (
        "sim/log/group_forecast_kernel.py",
        "best = -1",
        "dropped",
    ): "a fetch that finds nothing has been answered at its deadline",
    (
        "sim/log/group_forecast_kernel.py",
        "if offset < group.offsets.processed[p] or «offset >= group.log.end[p]»:",
        "0: >= -> >",
    ): "the record after the end is not in the log yet: it can be read at no time",
    (
        "sim/measure/tables.py",
        "full = [frame for frame in frames if len(frame)] or frames[:«1»]",
        "+ 1",
    ): "two without rows are as one",
    (
        "sim/traffic/draws_kernel.py",
        "if «probability[high] < 1.0»:",
        "0: < -> <=",
    ): "of 1, the alias is never taken",
}
"""(file, line of code as it is printed, change): why it makes no difference."""

SWAPPED: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mod,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
SIGNS = {
    "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!=", "Is": "is",
    "IsNot": "is not", "In": "in", "NotIn": "not in", "Add": "+", "Sub": "-", "Mult": "*",
    "Div": "/", "FloorDiv": "//", "Mod": "%", "BitAnd": "&", "BitOr": "|", "LShift": "<<",
    "RShift": ">>", "And": "and", "Or": "or",
}  # fmt: skip
DROPPED = (ast.Assign, ast.AugAssign, ast.Expr, ast.Continue, ast.Break)
OTHER_CALL = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil"}
OTHER_CALL |= {"ceil": "floor"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    """Path below the root."""
    function: str
    """Outermost function that holds it, with its class."""
    node: int
    """Which node of the tree, in the order of `ast.walk`."""
    change: str
    line: int
    block: int
    """Of its file; a test that never enters it cannot see the mutant."""
    code: str = field(compare=False)
    """Its line, stripped."""
    shown: str = field(compare=False)
    """The same, with what is changed between « and », if it is not the whole line."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}: {self.change}   |   {self.shown}"


def _outermost(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions of a module and methods of its classes, by qualified name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list) and body:
            yield body


def _changes(node: ast.AST) -> Iterator[str]:
    """What may be changed at a node, in words that `_apply` understands."""
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            yield f"{at}: {_turn(op)}"
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPPED:
        yield _turn(node.op)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield "not" if isinstance(node.value, bool) else "+ 1"
        if not isinstance(node.value, bool) and node.value == 1:
            yield "- 1"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_one(node.operand):
        yield "+ 1"
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "negated condition"
    elif isinstance(node, ast.Call) and _called(node) in OTHER_CALL:
        yield f"{_called(node)} -> {OTHER_CALL[_called(node)]}"
    if isinstance(node, DROPPED):
        yield "dropped"


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == 1


def _turn(op: ast.AST) -> str:
    return f"{SIGNS[type(op).__name__]} -> {SIGNS[SWAPPED[type(op)].__name__]}"


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _apply(tree: ast.Module, mutant: Mutant) -> None:
    """Change a tree in place."""
    node = next(n for i, n in enumerate(ast.walk(tree)) if i == mutant.node)
    change = mutant.change
    if change == "dropped":
        for parent in ast.walk(tree):
            for body in _bodies(parent):
                if node in body:
                    body[body.index(node)] = ast.copy_location(ast.Pass(), node)
    elif change == "negated condition":
        node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    elif change == "not":
        node.value = not node.value
    elif isinstance(node, ast.UnaryOp):
        node.operand = ast.copy_location(ast.Constant(0), node.operand)
    elif change in ("+ 1", "- 1"):
        node.value = node.value + 1 if change == "+ 1" else node.value - 1
    elif isinstance(node, ast.Compare):
        at = int(change.split(":")[0])
        node.ops[at] = SWAPPED[type(node.ops[at])]()
    elif isinstance(node, ast.Call):
        name = OTHER_CALL[_called(node)]
        setattr(node.func, "id" if isinstance(node.func, ast.Name) else "attr", name)
    else:
        node.op = SWAPPED[type(node.op)]()
    ast.fix_missing_locations(tree)


def mutants_of(file: str, source: str) -> list[Mutant]:
    """All mutants of a file: no texts, no annotations, nothing that only runs on a bug."""
    tree = ast.parse(source)
    number = {node: i for i, node in enumerate(ast.walk(tree))}
    blocks = _blocks(tree)
    lines = source.splitlines()
    found = []
    for name, function in _outermost(tree):
        waiting: list[tuple[ast.AST, int]] = [(x, blocks[id(function.body)]) for x in function.body]
        while waiting:
            node, block = waiting.pop()
            if isinstance(node, ast.Assert | ast.Raise | ast.JoinedStr | ast.arguments):
                continue
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            for change in () if text else _changes(node):
                if change == "dropped" and any(isinstance(x, ast.Yield) for x in ast.walk(node)):
                    continue
                line, shown = node.lineno, _shown(lines[node.lineno - 1], node)
                code = lines[line - 1].strip()
                found.append(Mutant(file, name, number[node], change, line, block, code, shown))
            for child in ast.iter_child_nodes(node):
                if isinstance(node, ast.AnnAssign) and child is node.annotation:
                    continue
                if isinstance(node, ast.UnaryOp) and _is_one(child):  # -1 is one number
                    continue
                if isinstance(child, ast.keyword) and child.arg == "strict":
                    continue
                inside = [body for body in _bodies(node) if child in body]
                waiting.append((child, blocks[id(inside[0])] if inside else block))
    return found


def _shown(line: str, node: ast.AST) -> str:
    """A line of code, stripped, with a node of it marked."""
    text, first, end = line.encode(), node.col_offset, node.end_col_offset
    inner = text[first:end].decode()
    if node.lineno != node.end_lineno or inner == line.strip():
        return line.strip()
    return f"{text[:first].decode()}«{inner}»{text[end:].decode()}".strip()


def drawn(mutants: Sequence[Mutant], seed: int) -> list[Mutant]:
    """Mutants in random order; where code is changed, the others stay in theirs."""
    alike: Counter[str] = Counter()
    lots = {}
    for mutant in mutants:
        text = f"{seed} {mutant.file} {mutant.function} {mutant.code} {mutant.change}"
        alike[text] += 1
        lots[mutant] = _digest(f"{text} {alike[text]}")
    return sorted(mutants, key=lots.__getitem__)


def _blocks(tree: ast.AST) -> dict[int, int]:
    """The number of each list of statements, by its identity."""
    return {
        id(body): i
        for i, body in enumerate(body for node in ast.walk(tree) for body in _bodies(node))
    }


def marked(source: str, mark: str) -> ast.Module:
    """A module that writes down which blocks it enters: ``mark[block] = 1``."""
    tree = ast.parse(source)
    blocks = _blocks(tree)
    bodies = [body for node in ast.walk(tree) for body in _bodies(node)]
    numbers = [blocks[id(body)] for body in bodies]
    for body, number in zip(bodies, numbers, strict=True):
        after = 0
        while after < len(body) and (
            (isinstance(body[after], ast.Expr) and isinstance(body[after].value, ast.Constant))
            or isinstance(body[after], ast.ImportFrom)
        ):
            after += 1
        body[after:after] = ast.parse(f"{mark}[{number}] = 1").body
    return ast.fix_missing_locations(tree)


def _codes(tree: ast.Module, path: Path) -> dict[str, CodeType]:
    """Code of the outermost functions, by qualified name."""
    found: dict[str, CodeType] = {}
    module = compile(tree, str(path), "exec")
    for code in module.co_consts:
        if isinstance(code, CodeType):
            found[code.co_qualname] = code
            for inner in code.co_consts:
                if isinstance(inner, CodeType) and "<" not in inner.co_qualname:
                    found[inner.co_qualname] = inner
    return found


class Code:
    """The functions of some files as this process has them, whose code can be exchanged."""

    def __init__(self, files: Sequence[str]) -> None:
        self.source = {file: (ROOT / file).read_text() for file in files}
        for file in files:
            import_module(file.removesuffix(".py").replace("/", "."))
        self.functions: dict[tuple[str, str], list[FunctionType]] = {}
        self.unmarked: list[tuple[FunctionType, CodeType]] = []
        wanted = {str(ROOT / file): file for file in files}
        for thing in gc.get_objects():
            if isinstance(thing, FunctionType) and thing.__code__.co_filename in wanted:
                key = wanted[thing.__code__.co_filename], thing.__code__.co_qualname
                self.functions.setdefault(key, []).append(thing)

    def mark(self) -> dict[str, bytearray]:
        """Have all functions write down which blocks they enter, file by file."""
        marks = {}
        for file, source in self.source.items():
            tree = marked(source, "_entered")
            marks[file] = bytearray(len(_blocks(tree)))
            for name, code in _codes(tree, ROOT / file).items():
                for function in self.functions.get((file, name), []):
                    function.__globals__["_entered"] = marks[file]
                    self.unmarked.append((function, function.__code__))
                    function.__code__ = code
        return marks

    def unmark(self) -> None:
        """Undo `mark`."""
        while self.unmarked:
            function, code = self.unmarked.pop()
            function.__code__ = code

    def put(self, mutant: Mutant) -> bool:
        """Exchange the code of the mutant's function; False: it compiles to the same."""
        tree = ast.parse(self.source[mutant.file])
        _apply(tree, mutant)
        code = _codes(tree, ROOT / mutant.file)[mutant.function]
        functions = self.functions.get((mutant.file, mutant.function), [])
        before = [function.__code__ for function in functions]
        if not before or code == before[0] or code.co_flags != before[0].co_flags:
            return False
        if code.co_freevars != before[0].co_freevars:
            return False
        for function in functions:
            function.__code__ = code
        return True


@dataclass
class Child:
    """A fork that says lines, until it ends or is ended."""

    what: object
    pid: int
    pipe: int
    until_s: float
    said: str = ""
    late: bool = False


def in_forks(
    jobs: int, work: Iterator[tuple[object, float, Callable[[Callable[[str], None]], None]]]
) -> Iterator[Child]:
    """Do pieces of work (what, seconds that it may take, function of `say`), each in a fork."""
    running: list[Child] = []
    more = True
    while running or more:
        while more and len(running) < jobs:
            following = next(work, None)
            more = following is not None
            if following is not None:
                running.append(_fork(*following))
        ready = select.select([child.pipe for child in running], [], [], 0.5)[0] if running else []
        for child in list(running):
            if child.pipe in ready and (text := os.read(child.pipe, 1 << 16)):
                child.said += text.decode()
                continue
            child.late = time.monotonic() > child.until_s
            if child.pipe in ready or child.late:
                os.killpg(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
                os.close(child.pipe)
                running.remove(child)
                yield child


def _fork(what: object, limit_s: float, do: Callable[[Callable[[str], None]], None]) -> Child:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(what, pid, reading, time.monotonic() + limit_s)
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        do(lambda text: void(os.write(writing, f"{text}\n".encode())))
    finally:
        os._exit(0)


def files_of(patterns: Sequence[str]) -> list[str]:
    """Paths below the root."""
    found = {str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(file for file in found if not file.endswith("__init__.py"))


def void(_: object) -> None:
    """Forget a value."""


@cache
def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _digest(*parts: str | Path) -> str:
    """Of texts and of what files hold."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else _bytes(part))
    return digest.hexdigest()[:16]


def _room(mutant: Mutant) -> str:
    return mutant.file.split("/")[1]


def _table(verdicts: Counter[tuple[str, str]]) -> Iterator[str]:
    """Room by room: mutants, and what became of them."""
    yield "| room | mutants | killed | equivalent | open |\n|---|---|---|---|---|"
    rooms = sorted({room for room, _ in verdicts})
    for name, of in [*((room, [room]) for room in rooms), ("all", rooms)]:
        row = [sum(verdicts[r, v] for r in of) for v in ("killed", "equivalent", "open")]
        yield f"| {name} | {sum(row)} | {' | '.join(map(str, row))} |"


def _distance(file: str, test: str) -> int:
    """From a file of code to a test: 0 of its module, 1 of its room, 2 of another."""
    _, room, name = test.partition("::")[0].split("/", 2)
    if f"/{room}/" not in file:
        return 2
    return int(not Path(file).stem.startswith(name.removeprefix("test_").removesuffix(".py")))


class Hunt:
    """A plugin of pytest that hunts mutants instead of running tests."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.kept: dict[str, list[Any]] = {}
        """Of each test, digests, seconds (None: slow), and blocks that it enters, by file; none of
        one that fails."""
        self.took_s: dict[str, float] = {}
        self.enters: dict[str, dict[str, set[int]]] = {}
        """Of each test, the blocks that it enters, by file."""
        self.shared = ""
        """Digest of all code and of what tests share."""
        self.kills: Counter[tuple[str, str]] = Counter()
        """(file or function, test): how many mutants it killed there."""
        self.survivors: list[tuple[Mutant, int]] = []
        self.verdicts: Counter[tuple[str, str]] = Counter()
        """(room, killed, equivalent or open): how many."""
        self.share = 0.0
        """Killed, of those that are not known to make no difference."""

    def pytest_runtestloop(self, session) -> bool:  # type: ignore[no-untyped-def]
        """In place of the loop over tests."""
        self.items = {
            item.nodeid: item
            for item in session.items
            if not any(word in item.nodeid for word in NOT_BY)
        }
        self.files = sorted({*files_of(TARGETS), *self.args.files})
        self.code = Code(self.files)
        gc.freeze()  # so that forks share the memory
        self._look()
        self._hunt()
        return True

    def _passes(self, nodeid: str) -> bool:
        from _pytest.runner import runtestprotocol

        reports = runtestprotocol(self.items[nodeid], nextitem=None, log=False)
        return not any(report.failed for report in reports)

    def _begins_well(self, nodeid: str) -> bool:
        """Whether a test does not fail in its first seconds."""
        pid = os.fork()
        if not pid:
            signal.setitimer(signal.ITIMER_PROF, SLOWEST_S)
            os._exit(int(not self._passes(nodeid)))
        _, status = os.waitpid(pid, 0)
        return os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0

    def _look(self) -> None:
        """Run each test once, for its time and the blocks that it enters."""
        self._read_kept()
        new = [test for test in self.items if not self._known(test)]
        if new:
            self._run(new)
        out = []
        for test in self.items:
            _, took_s, entered = self.kept[test]
            if took_s is None and not entered:
                out.append(f"{test} fails")
                continue
            self.took_s[test] = inf if took_s is None else took_s
            self.enters[test] = {file: set(blocks) for file, blocks in entered.items()}
        took_s = [s for s in self.took_s.values() if s < inf]
        print(
            f"{len(took_s)} tests, {sum(took_s):.0f} s, and {len(self.took_s) - len(took_s)} slow",
            *out,
            sep="\n  without ",
        )

    def _run(self, new: list[str]) -> None:
        marks = self.code.mark()

        def alone(nodeid: str) -> Callable[[Callable[[str], None]], None]:
            def do(say: Callable[[str], None]) -> None:
                def tell(took_s: float | None) -> None:
                    entered = {f: [i for i, x in enumerate(m) if x] for f, m in marks.items()}
                    say(json.dumps([took_s, entered]))

                def stop(*_: object) -> None:
                    tell(None)
                    os._exit(0)

                signal.signal(signal.SIGPROF, stop)
                signal.setitimer(signal.ITIMER_PROF, SLOWEST_S)
                began_s = time.process_time()
                if self._passes(nodeid):
                    tell(time.process_time() - began_s)

            return do

        work = ((nodeid, 60.0 + 40.0 * SLOWEST_S, alone(nodeid)) for nodeid in new)
        for done, child in enumerate(in_forks(self.args.jobs, work)):
            nodeid = str(child.what)
            took_s, entered = json.loads(child.said) if child.said.endswith("\n") else (None, {})
            entered = {file: blocks for file, blocks in entered.items() if blocks}
            self.kept[nodeid] = [self._digests(nodeid, entered), took_s, entered]
            if done % 50 == 49:
                self._keep()
        self.code.unmark()
        self._keep()

    def _digests(self, nodeid: str, entered: Iterable[str]) -> list[str]:
        """Of all code and what tests share; of a test's own file and the code that it enters."""
        if not self.shared:
            paths = [path for of in ("sim", "tests") for path in (ROOT / of).rglob("*.py")]
            shared = [p for p in paths if p.name[:5] != "test_" and p.parent.name != "tools"]
            self.shared = _digest(repr((self.files, SLOWEST_S)), *sorted(shared))
        own = [ROOT / file for file in (nodeid.partition("::")[0], *sorted(entered))]
        return [_digest(self.shared, own[0]), _digest(*own)]

    def _known(self, nodeid: str) -> bool:
        """Whether it need not be looked at again."""
        if nodeid not in self.kept:
            return False
        digests, took_s, entered = self.kept[nodeid]
        if took_s is None and not entered:  # it failed
            return False
        now = self._digests(nodeid, entered)
        return bool(digests == now or (self.args.hasty and digests[1] == now[1]))

    def _read_kept(self) -> None:
        """Take up what was seen of tests."""
        if KEPT.exists():
            self.kept, kills = json.loads(KEPT.read_text())
            self.kills.update({(place, test): count for place, test, count in kills})

    def _keep(self) -> None:
        KEPT.parent.mkdir(exist_ok=True)
        new = KEPT.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps([self.kept, [[*of, count] for of, count in self.kills.items()]]))
        new.replace(KEPT)

    def _those_that_see(self, mutant: Mutant) -> list[str]:
        """Tests that enter a mutant's block, the best first, as many as the budget allows; last the
        slow ones."""
        seeing = [t for t, of in self.enters.items() if mutant.block in of.get(mutant.file, ())]
        seeing.sort(
            key=lambda t: (
                -self.kills[f"{mutant.file} {mutant.function}", t],
                -self.kills[mutant.file, t],
                _distance(mutant.file, t),
                self.took_s[t],
            )
        )
        slow = [test for test in seeing if self.took_s[test] == inf]
        spent_s, chosen = 0.0, []
        for test in seeing:
            if self.took_s[test] == inf:
                continue
            spent_s += self.took_s[test]
            if chosen and spent_s > self.args.budget:
                break
            chosen.append(test)
        return chosen + slow[: int(self.args.budget / SLOWEST_S)]

    def _try(self, mutant: Mutant) -> tuple[object, float, Callable[[Callable[[str], None]], None]]:
        tests = self._those_that_see(mutant)

        def do(say: Callable[[str], None]) -> None:
            if not self.code.put(mutant):
                say("same")
                return
            for test in tests:
                # An endless loop ends by this signal. It is processor time that counts, not load.
                slow = self.took_s[test] == inf
                signal.setitimer(signal.ITIMER_PROF, 0.0 if slow else 2.0 + 5.0 * self.took_s[test])
                if not (self._begins_well(test) if slow else self._passes(test)):
                    say(f"killed {test}")
                    return
            say(f"survived {len(tests)}")

        limit_s = sum(min(self.took_s[test], SLOWEST_S) for test in tests)
        return mutant, 300.0 + 40.0 * limit_s, do

    def _hunt(self) -> None:
        every = [m for file in self.args.files for m in mutants_of(file, self.code.source[file])]
        every = drawn(every, self.args.seed)
        print(f"{len(every)} mutants of {len(self.args.files)} files, seed {self.args.seed}")
        if self.args.only:
            every = [m for m in every if f"{m.file}:{m.line}" in self.args.only]
        tried = killed = known = 0
        began_s = time.monotonic()
        left = iter(every)
        work = (self._try(mutant) for mutant in left)
        forks = in_forks(self.args.jobs, work)
        for child in forks:
            mutant = child.what
            assert isinstance(mutant, Mutant)
            verdict, _, rest = child.said.strip().partition(" ")
            if verdict == "same":
                continue
            tried += 1
            if verdict == "survived":
                why = EQUIVALENT.get((mutant.file, mutant.shown, mutant.change))
                known += why is not None
                self.verdicts[_room(mutant), "equivalent" if why else "open"] += 1
                self.survivors += [] if why else [(mutant, int(rest))]
                print(f"{'equivalent' if why else 'SURVIVED'} {rest} tests: {mutant} {why or ''}")
            else:
                killed += 1
                self.verdicts[_room(mutant), "killed"] += 1
                if verdict == "killed":
                    self.kills[f"{mutant.file} {mutant.function}", rest] += 1
                    self.kills[mutant.file, rest] += 1
                if self.args.verbose or child.late:
                    print(f"{verdict or ('waits' if child.late else 'ended')} {mutant} {rest}")
            if tried % 25 == 0:
                print(f"{tried} tried, {killed} killed, {time.monotonic() - began_s:.0f} s")
                self._keep()
            sys.stdout.flush()
            if tried >= self.args.count:
                forks.close()
                break
        self._keep()
        print(*_table(self.verdicts), sep="\n")
        others = tried - known
        self.share = killed / max(1, others)
        print(
            f"{tried} mutants, seed {self.args.seed}: {killed} killed, {known} equivalent, "
            f"{len(self.survivors)} survived; {100 * self.share:.1f} % of {others}"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1, if fewer than 95 % were killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="default: kernels, coordinators, ...")
    parser.add_argument("--count", type=int, default=300, help="so many mutants")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--rooms", nargs="*", default=ROOMS, help="whose tests, or files of these")
    parser.add_argument("--only", nargs="*", default=(), help="file:line of mutants")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="seconds of tests a mutant")
    parser.add_argument(
        "--hasty",
        action="store_true",
        help="look again only at tests that have changed or enter a file that has",
    )
    parser.add_argument("--verbose", action="store_true", help="print what killed each")
    args = parser.parse_args(argv)
    args.files = sorted(args.files) or files_of(TARGETS)
    import hypothesis
    import pytest

    quick = hypothesis.settings(
        database=None,
        deadline=None,
        derandomize=True,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.register_profile("mutants", quick)
    hypothesis.settings.load_profile("mutants")
    hunt = Hunt(args)
    os.chdir(ROOT)
    options = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:warnings"]
    pytest.main([*options, *(f"tests/{room}" for room in args.rooms)], plugins=[hunt])
    return int(hunt.share < ENOUGH)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
