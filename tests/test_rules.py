"""Every rule has a test that carries its id, or a reason why not (`tests/tools/rules.py`)."""

from pathlib import Path

from tools.rules import NOT_MODELLED, RULES, by_rule, table

FOLDER = Path(__file__).parent


def test_every_rule_has_a_test_or_a_reason_why_not():
    tested = by_rule(FOLDER).keys()
    assert tested | NOT_MODELLED.keys() == RULES.keys()
    assert not tested & NOT_MODELLED.keys(), "it is tested: remove the reason"


def test_the_table_tells_of_each_rule_and_prints_in_the_output(capsys):
    lines = table(FOLDER).splitlines()
    assert len(lines) == 2 + len(RULES)
    assert not any("| ? |" in line for line in lines)
    with capsys.disabled():
        modelled = len(RULES) - len(NOT_MODELLED)
        print(f"\n{modelled} of {len(RULES)} rules have tests; `tests/tools/rules.py` lists them")


def test_ids_are_read_from_names_of_tests(tmp_path):
    (tmp_path / "test_x.py").write_text(
        "def test_KB_04_05_a():\n    pass\n\n\ndef test_LP_04b_KP_01_b(x):\n    pass\n"
        "\n\ndef test_nothing():\n    pass\n"
    )
    assert by_rule(tmp_path) == {
        "KB-04": ["test_x::test_KB_04_05_a"],
        "KB-05": ["test_x::test_KB_04_05_a"],
        "LP-04": ["test_x::test_LP_04b_KP_01_b"],
        "KP-01": ["test_x::test_LP_04b_KP_01_b"],
    }
