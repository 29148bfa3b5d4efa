"""Which results there are, and that `example` stays."""

import pytest

from helpers.stored import stored
from sim.foundation.errors import LabError
from sim.results.listing import listed, prune


def test_a_result_is_listed_with_what_it_is_of_and_what_came_out(tmp_path):
    folder = stored(tmp_path, "a", seed=7)
    stored(tmp_path, "b")
    (tmp_path / "test" / "nothing").mkdir()
    (tmp_path / "test" / "broken").mkdir()
    (tmp_path / "test" / "broken" / "manifest.json").write_text("{}")
    found = {one.name: one for one in listed(tmp_path)}
    assert sorted(found) == ["a", "b"]
    one = found["a"]
    assert (one.scenario, one.seed, one.folder, one.version) == ("test", 7, folder, "0.1.0")
    assert one.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert one.messages > 700
    assert one.headline.startswith("kafka.g at most ") and one.headline.endswith(" behind")
    assert list(listed(tmp_path, "other")) == []


def test_what_was_lost_is_in_the_headline(tmp_path):
    folder = stored(tmp_path, "a")
    text = (folder / "summary.csv").read_text().splitlines()
    at = text[0].split(",").index("lost")
    cells = text[1].split(",")
    cells[at] = "12"
    (folder / "summary.csv").write_text("\n".join([text[0], ",".join(cells)]) + "\n")
    (one,) = listed(tmp_path)
    assert one.headline.endswith("; 12 lost in kafka.g")


def test_the_example_is_not_pruned_and_others_are(tmp_path):
    stored(tmp_path, "a")
    stored(tmp_path, "example")
    for one in listed(tmp_path):
        if one.name == "example":
            with pytest.raises(LabError, match="not pruned"):
                prune(one)
        else:
            prune(one)
    assert [one.name for one in listed(tmp_path)] == ["example"]
    assert [path.name for path in (tmp_path / "test").iterdir()] == ["example"]
