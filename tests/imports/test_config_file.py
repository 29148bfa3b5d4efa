"""Files as data with lines, within limits."""

from pathlib import Path
from time import process_time

import pytest

from sim.foundation.errors import LabError
from sim.imports.config_file import Source


def trees(name, text):
    return Source(Path(name), text).trees


def test_keys_of_json_and_yaml_remember_their_lines():
    (tree,) = trees("a.json", '{"a": {\n"b": "x\\": 1",\n"a": [{"c": 2}]}}')
    assert tree.data == {"a": {"b": 'x": 1', "a": [{"c": 2}]}}
    assert dict(tree.lines) == {("a",): 1, ("a", "b"): 2, ("a", "a"): 3, ("a", "a", 0, "c"): 3}
    first, second = trees("a.yml", "a: &x {b: 1}\nc:\n  <<: *x\n  d: yes\n---\nn: !Ref A\n")
    assert first.data == {"a": {"b": 1}, "c": {"b": 1, "d": "yes"}} and first.line("c", "d") == 4
    assert second.data == {"n": {"Ref": "A"}}


def test_tags_make_no_objects():
    (tree,) = trees("a.yml", "a: !!python/object/apply:os.system [x]\nb: !GetAtt Q.Arn\n")
    assert tree.data == {"a": ["x"], "b": {"Fn::GetAtt": ["Q", "Arn"]}}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.properties", "".join(f"k{i}=1\n" for i in range(400_000)), ":10001: more than 10,000"),
        (
            "x.json",
            "{" + ",\n".join(f'"k{i}": "1"' for i in range(400_000)) + "}",
            ":10001: more than 10,000 keys",
        ),
        (
            "x.yml",
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n"
                for a, b in zip("abcd", "bcde", strict=True)
            ),
            "more than 10,000 keys",
        ),
        ("x.yml", "[" * 400 + "]" * 400, "more than 32 levels"),
        ("x.json", "[" * 400 + "]" * 400, "more than 32 levels"),
    ],
)
def test_what_is_larger_than_any_configuration_is_refused(name, text, says):
    source = Source(Path(name), text)
    began = process_time()
    with pytest.raises(LabError, match=says):
        _ = source.entries, source.trees
    assert process_time() - began < 8.0
