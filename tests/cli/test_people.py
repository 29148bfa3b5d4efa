"""Errors that a person can act on: one message, and the exit code that fits."""

import errno

import pytest
import typer

from sim.cli.people import for_people
from sim.foundation.errors import LabError


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (LabError("no such thing"), 2, "no such thing"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.yaml"), 2, "a.yaml: No such file"),
        (OSError(errno.ENOSPC, "No space left", "b.csv"), 1, "b.csv: No space left"),
        (MemoryError(), 1, "there is too little memory for this; try a smaller scale"),
        (KeyboardInterrupt("nothing was written"), 130, "stopped; nothing was written"),
    ],
)
def test_an_error_is_a_line_and_an_exit_code(capsys, error, code, said):
    @for_people
    def command():
        raise error

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == code
    assert capsys.readouterr().err.strip() == said


def test_what_goes_well_is_left_alone(capsys):
    for_people(lambda: None)()
    assert capsys.readouterr().err == ""
