"""Files of properties, as Java reads them."""

from pathlib import Path

import pytest

from sim.foundation.errors import LabError
from sim.imports import properties


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("a=1\nb:2\nc 3\nd\t=\t4\ne : 5\n", ["a1", "b2", "c3", "d4", "e5"]),
        ("# a=1\n  ! b=2\\\nc=3\n\n \t\nd=4", ["c3", "d4"]),
        ("a=1,\\\n   2,\\\r\n\t# 3\nb=4", ["a1,2,# 3", "b4"]),
        ("a=1\\\\\nb=2", ["a1\\", "b2"]),
        ("a\\:\\ b=c=d: e ", ["a: bc=d: e "]),
        ("a=\\u00e9\\t\\q\nb", ["aé\tq", "b"]),
        ("a==1\rb=\\", ["a=1", "b"]),
        ("a=1\x0c2\u2028\n\\\n", ["a1\x0c2\u2028"]),
    ],
)
def test_properties_are_read_as_java_reads_them(text, entries):
    found = properties.entries(Path("x"), text)
    assert [entry.key + entry.value for entry in found] == entries


def test_properties_remember_their_lines_and_refuse_what_java_refuses():
    found = list(properties.entries(Path("x"), "# c\na=1\\\n2\nb=3"))
    assert [(entry.key, entry.line) for entry in found] == [("a", 2), ("b", 4)]
    with pytest.raises(LabError, match=r"x:2: ssl.key.password: expected four hex") as error:
        list(properties.entries(Path("x"), "a=1\nssl.key.password=C:\\users"))
    assert "users" not in str(error.value)
