"""The picture of the rooms in `sim/README.md` is the code's (`tests/tools/picture.py`)."""

from tools import picture


def test_the_picture_in_the_readme_is_that_of_the_code():
    assert picture.main(["--check"]) == 0, "run: make picture"


def test_a_stale_picture_is_told_and_drawn_anew_without_touching_the_prose(
    tmp_path, monkeypatch, capsys
):
    stale = tmp_path / "README.md"
    stale.write_text(f"before\n{picture.BEGIN}\nold\n{picture.END}\nafter\n")
    monkeypatch.setattr(picture, "PAGE", stale)
    assert picture.main(["--check"]) == 1 and "make picture" in capsys.readouterr().out
    assert picture.main([]) == picture.main(["--check"]) == 0
    text = stale.read_text()
    assert text.startswith(f"before\n{picture.BEGIN}\n```text\n┌─")
    assert text.endswith(f"\n{picture.END}\nafter\n") and "\nold\n" not in text


def test_arrows_are_the_imports_of_a_room_wherever_they_stand(tmp_path):
    package = tmp_path / "sim"
    for room in ("roof", "floor", "cellar"):
        (package / room).mkdir(parents=True)
    (package / "roof" / "a.py").write_text(
        "import numpy\nfrom sim.roof import b\ndef f():\n    from sim.floor.c import d\n"
    )
    (package / "floor" / "c.py").write_text("import sim.cellar.e\nfrom sim import lift\n")
    (package / "lift.py").write_text("from sim.elsewhere import g\n")
    needs = picture.imports(["roof", "floor", "lift", "cellar"], package)
    assert needs == {"roof": {"floor"}, "floor": {"lift", "cellar"}, "lift": set(), "cellar": set()}


def test_what_a_room_needs_through_another_anyway_has_no_arrow():
    needs = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}
    assert picture.nearest(needs) == {"a": ["b"], "b": ["c"], "c": ["d"], "d": []}


def test_floors_have_walls_between_rooms_and_arrows_beside_them(monkeypatch):
    monkeypatch.setattr(picture, "WIDTH", 16)
    arrows = {"cli": ["a", "b"], "a": ["c"], "b": ["c", "d"], "c": [], "d": []}
    assert picture.house([["cli"], ["a", "b"], ["c", "d"]], arrows) == [
        "┌───────────────┐",
        "│      cli      │  → a, b",
        "├───────┬───────┤",
        "│   a   │   b   │  a → c",
        "├───────┼───────┤  b → c, d",
        "│   c   │   d   │",
        "└───────┴───────┘",
    ]
