"""Code is made wrong in one place: is it told whether a test sees it? (`tests/tools/mutants.py`)"""

import ast
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tools import mutants

ROOT = Path(__file__).parents[1]
SOURCE = '''
def least(a: int, b: int) -> int:
    """The lesser of two, from 0 on."""
    assert a != 1
    low = 0
    if a < b:
        low = max(a, 0)
    return low
'''


def changed(change):
    (mutant,) = [m for m in mutants.mutants_of("f.py", SOURCE) if f"{m.line} {m.change}" == change]
    tree = ast.parse(SOURCE)
    mutants._apply(tree, mutant)
    return [line for line in ast.unparse(tree).splitlines() if line not in plain()]


def plain():
    return ast.unparse(ast.parse(SOURCE)).splitlines()


def test_what_may_be_changed_is_neither_text_nor_annotation_nor_what_runs_on_a_bug_only():
    found = sorted(f"{m.line} {m.change}" for m in mutants.mutants_of("f.py", SOURCE))
    assert found == [
        "5 + 1", "5 dropped", "6 0: < -> <=", "6 negated condition",
        "7 + 1", "7 dropped", "7 max -> min",
    ]  # fmt: skip


def test_one_thing_is_changed():
    assert changed("6 0: < -> <=") == ["    if a <= b:"]
    assert changed("6 negated condition") == ["    if not a < b:"]
    assert changed("7 max -> min") == ["        low = min(a, 0)"]
    assert changed("7 + 1") == ["        low = max(a, 1)"]
    assert changed("5 dropped") == ["    pass"]


def test_minus_one_is_one_number():
    source = "def none() -> int:\n    return -1 if 2 else 7\n"
    mutants_of = mutants.mutants_of("f.py", source)
    assert sorted(m.change for m in mutants_of) == ["+ 1", "+ 1", "+ 1", "negated condition"]
    texts = []
    for mutant in mutants_of:
        tree = ast.parse(source)
        mutants._apply(tree, mutant)
        texts.append(ast.unparse(tree).splitlines()[1].strip())
    assert sorted(texts) == [
        "return -0 if 2 else 7", "return -1 if 2 else 8", "return -1 if 3 else 7",
        "return -1 if not 2 else 7",
    ]  # fmt: skip


def test_a_mutant_keeps_its_lot_when_other_code_is_changed():
    before = mutants.drawn(mutants.mutants_of("f.py", SOURCE), 1)
    assert before == mutants.drawn(mutants.mutants_of("f.py", SOURCE), 1)
    assert before != mutants.drawn(mutants.mutants_of("f.py", SOURCE), 2)
    after = mutants.drawn(mutants.mutants_of("f.py", SOURCE.replace("low = 0", "pass")), 1)
    assert [f"{m.code} {m.change}" for m in after] == [
        f"{m.code} {m.change}" for m in before if m.code != "low = 0"
    ]


def test_blocks_that_are_entered_are_written_down():
    names = {"entered": bytearray(9)}
    exec(compile(mutants.marked(SOURCE, "entered"), "f.py", "exec"), names)
    of = {m.line: m.block for m in mutants.mutants_of("f.py", SOURCE)}
    names["entered"][:] = bytes(9)
    assert names["least"](3, 2) == 0
    assert names["entered"][of[5]] and not names["entered"][of[7]]
    assert names["least"](2, 3) == 2
    assert names["entered"][of[7]]


def test_what_runs_on_an_error_is_a_block_too():
    source = (
        "def f(x):\n    try:\n        return 1 / x\n    except ArithmeticError:\n        return 7\n"
    )
    names = {"entered": bytearray(9)}
    tree = mutants.marked(source, "entered")
    exec(compile(tree, "f.py", "exec"), names)
    blocks = {m.line: m.block for m in mutants.mutants_of("f.py", source)}
    assert set(mutants._blocks(tree).values()) == set(range(4))
    names["entered"][:] = bytes(9)
    assert names["f"](1) == 1.0
    assert names["entered"][blocks[3]] and not names["entered"][blocks[5]]
    assert names["f"](0) == 7
    assert names["entered"][blocks[5]]


def test_a_fork_that_does_not_end_is_ended():
    def work():
        yield "quick", 60.0, lambda say: say("done")
        yield "endless", 0.2, lambda say: time.sleep(600)

    ended = {child.what: (child.said, child.late) for child in mutants.in_forks(2, work())}
    assert ended == {"quick": ("done\n", False), "endless": ("", True)}


def test_mutants_of_a_kernel_are_killed_or_named():
    run = subprocess.run(
        [sys.executable, "tests/tools/mutants.py", "sim/measure/counts_kernel.py",
         "--rooms", "measure/test_counts.py", "--count", "4", "--seed", "1", "--jobs", "1"],
        capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    said = re.search(r"4 mutants, seed 1: (\d) killed, 0 equivalent, (\d) survived", run.stdout)
    killed, survived = map(int, said.groups())
    assert killed > 0 and killed + survived == 4
    assert run.stdout.count("SURVIVED") == survived
    assert f"| all | 4 | {killed} | 0 | {survived} |" in run.stdout
    assert run.returncode == (survived > 0)
