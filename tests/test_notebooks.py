"""The notebooks run from top to bottom, and say what they said when they were committed."""

import nbformat
import pytest

from tools.notebooks import FOLDER, METADATA, alike, execute, words

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_BYTES = 600_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_said(path):
    before = nbformat.read(path, as_version=4)
    now = words(execute(path))
    assert [cell for cell, _ in now] == [cell for cell, _ in words(before)]
    for (cell, text), (_, committed) in zip(now, words(before), strict=True):
        assert alike(committed, text), f"{path.name}, cell {cell}:\n{committed}\n!=\n{text}"
        assert not text.startswith("stderr"), f"{path.name}, cell {cell}: {text}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_holds_nothing_of_the_machine_it_ran_on(path):
    assert path.stat().st_size < MOST_BYTES
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata == METADATA
    assert all(not cell.metadata for cell in notebook.cells)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    text = path.read_text()
    for trace in ("/tmp/", "/home/", "/root/", "site-packages", "widget-view"):
        assert trace not in text
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("lost: 1,000", "lost: 1,010", True),
        ("lost: 1,000", "lost: 1,100", False),
        ("lost: 1,000", "kept: 1,000", False),
        ("12 ms", "12 s", False),
        ("1 of 2", "1 of 2 of 3", False),
    ],
)
def test_texts_are_alike_if_only_their_numbers_differ_a_little(before, after, same):
    assert alike(before, after) is same


def test_there_are_notebooks():
    assert len(NOTEBOOKS) == 5
