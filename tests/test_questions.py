"""The fifteen questions: every command of the page runs, and prints what the page shows."""

import re

import pytest

from tools.notebooks import alike
from tools.pages import ROOT, Clone, again, shown

PAGE = ROOT / "scenarios" / "QUESTIONS.md"
TEXT = PAGE.read_text()


def _sections() -> list[str]:
    return re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]


def test_each_of_the_fifteen_has_one_command():
    sections = _sections()
    assert [int(section.split(".")[0]) for section in sections] == list(range(1, 16))
    assert all(len(shown(section)) == 1 for section in sections)


@pytest.mark.parametrize("number", range(1, 16))
def test_a_question_is_answered_as_the_page_says(number, tmp_path):
    section = _sections()[number - 1]
    clone = Clone(tmp_path, section)
    (its,) = shown(section)
    assert its.chunks
    for chunk, now in zip(its.chunks, again(its.chunks, clone.told(its.command)), strict=True):
        before, after = "\n".join(chunk), "\n".join(now)
        assert alike(before, after), f"$ {its.command}\n{before}\n!=\n{after}"
