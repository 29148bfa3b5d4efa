<<<<<<< HEAD
"""The messages as columns: who is meant, and what a key made of dimensions is."""
=======
"""Messages as columns: keys, choices, and names that are made when they are asked for."""

from dataclasses import replace
>>>>>>> 76c265c (Test the columns of messages, their draws and the ledger's policies where their names say)

import numpy as np
import pytest

<<<<<<< HEAD
from sim.traffic.messages import Messages, Numbered

DIMS = {"video": ["v0", "v1", "v2"], "kind": ["like", "view"]}


def messages(**changes):
    given = {
        "created_s": np.array([0.0, 1.0, 2.0, 3.0]),
        "entity": np.array([0, 3, 5, 1], np.int32),  # v0/like, v1/view, v2/view, v0/view
        "size_bytes": np.full(1, 300, np.int32),
        "dims": DIMS,
        "duration_s": 4.0,
    }
    return Messages(**{**given, **changes})


def test_numbered_names_are_made_when_they_are_asked_for_and_found_again():
    names = Numbered("order", 1_000)
    assert len(names) == 1_000 and names[7] == "order-7" and names[-1] == "order-999"
    assert names[2:8:3] == ["order-2", "order-5"] and names.index("order-12") == 12
    for wrong in ("order-1000", "order-012", "order-x", "12"):
        with pytest.raises(ValueError):
            names.index(wrong)
    with pytest.raises(IndexError):
        names[1_000]


def test_messages_are_chosen_by_values_of_their_dimensions():
    assert messages().where({"kind": ["view"]}).tolist() == [1, 2, 3]
    assert messages().where({"kind": ["view"], "video": ["v0", "v2"]}).tolist() == [2, 3]
    assert messages().where({"video": ["none"]}).tolist() == []
    chosen = messages().of_each({"a": {"kind": ["like"]}, "b": None, "c": {}})
    assert {name: rows.tolist() for name, rows in chosen.items()} == {"a": [0]}


def test_a_part_of_the_messages_is_numbered_anew_and_keeps_what_they_share():
    part = messages(posting_cents=np.arange(4), seq=np.arange(4, dtype=np.int16)).only(
        np.array([1, 3], np.int32)
    )
    assert len(part) == 2 and part.created_s.tolist() == [1.0, 3.0]
    assert part.posting_cents.tolist() == part.seq.tolist() == [1, 3]
    assert part.size_bytes.tolist() == [300] and part.entities == 6
    each = messages(size_bytes=np.arange(4, dtype=np.int32)).only(np.array([2], np.int32))
    assert each.size_bytes.tolist() == [2] and each.seq is None


def test_a_key_of_dimensions_has_a_number_and_a_name():
    key, names = messages().keys_of(["kind", "video"])
    assert [names[k] for k in key] == ["like/v0", "view/v1", "view/v2", "view/v0"]
    key, names = messages().keys_of(["video"])
    assert [names[k] for k in key] == ["v0", "v1", "v2", "v0"]
    assert messages().keys_by(["video"], joined_by=".")[1] == ["v0", "v1", "v2"]
    assert messages().keys_by([])[1] == [""]


def test_a_key_may_have_the_state_that_its_message_leads_to():
    lives = messages(
        dims={"case": Numbered("case", 2)},
        entity=np.array([0, 1, 0, 1], np.int32),
        seq=np.array([0, 0, 1, 1], np.int16),
    )
    key, names = lives.keys_of(["case", "state"])
    assert [names[k] for k in key] == ["case-0/0", "case-1/0", "case-0/1", "case-1/1"]
    named = messages(
        dims={"case": ["a"]},
        entity=np.zeros(4, np.int32),
        seq=np.array([0, 1, 1, 0], np.int16),
        states=["new", "done"],
    )
    key, names = named.keys_of(["case", "state"])
    assert [names[k] for k in key] == ["a/new", "a/done", "a/done", "a/new"]
=======
from sim.scenario.workload import STATE
from sim.traffic.messages import Messages, Numbered

# Entities: a/x, a/y, a/z, b/x, b/y, b/z.
SIX = Messages(
    created_s=np.arange(6.0),
    entity=np.array([5, 0, 3, 0, 1, 5], np.int32),
    size_bytes=np.array([100], np.int32),
    dims={"kind": ["a", "b"], "video": ["x", "y", "z"]},
    duration_s=6.0,
)


def test_a_key_is_made_of_some_dimensions_in_any_order():
    assert (len(SIX), SIX.entities) == (6, 6)
    number, names = SIX.keys_by(["kind"])
    assert number.tolist() == [0, 0, 0, 1, 1, 1] and list(names) == ["a", "b"]
    number, names = SIX.keys_by(["video", "kind"])
    assert [names[n] for n in number] == ["x/a", "y/a", "z/a", "x/b", "y/b", "z/b"]
    of_message, names = SIX.keys_of(["video"])
    assert [names[n] for n in of_message] == ["z", "x", "x", "x", "y", "z"]
    assert SIX.keys_by([])[1] == [""]


def test_messages_are_chosen_by_the_values_of_their_dimensions():
    assert SIX.where({"kind": ["b"]}).tolist() == [0, 2, 5]
    assert SIX.where({"kind": ["a"], "video": ["y", "z"]}).tolist() == [4]
    assert SIX.where({}).tolist() == [0, 1, 2, 3, 4, 5]
    each = SIX.of_each({"all": None, "some": {"video": ["y"]}})
    assert {name: rows.tolist() for name, rows in each.items()} == {"some": [4]}


def test_those_chosen_are_numbered_anew_with_all_their_columns():
    sized = replace(SIX, size_bytes=np.arange(6, dtype=np.int32), posting_cents=np.arange(6) * 10)
    some = sized.only(np.array([1, 4], np.int32))
    assert some.created_s.tolist() == [1.0, 4.0] and some.entity.tolist() == [0, 1]
    assert some.size_bytes.tolist() == [1, 4] and some.posting_cents.tolist() == [10, 40]
    assert some.duration_s == 6.0
    assert SIX.only(np.array([1], np.int32)).size_bytes.tolist() == [100], "one size for all"


def test_the_state_that_a_message_leads_to_may_be_part_of_its_key():
    lived = replace(SIX, seq=np.array([0, 0, 0, 1, 0, 1], np.int16), states=["new", "paid"])
    number, names = lived.keys_of(["kind", STATE])
    assert [names[n] for n in number] == ["b/new", "a/new", "b/new", "a/paid", "a/new", "b/paid"]
    number, names = replace(lived, states=()).keys_of([STATE])
    assert [names[n] for n in number] == ["/0", "/0", "/0", "/1", "/0", "/1"]


def test_numbered_names_are_a_sequence():
    names = Numbered("video", 12)
    assert len(names) == 12 and names[-1] == "video-11"
    assert names[2:4] == ["video-2", "video-3"]
    assert names.index("video-7") == 7 and "video-7" in names
    for wrong in ("video-12", "video-07", "video", "film-1"):
        with pytest.raises(ValueError):
            names.index(wrong)
    with pytest.raises(IndexError):
        names[12]
>>>>>>> 76c265c (Test the columns of messages, their draws and the ledger's policies where their names say)
