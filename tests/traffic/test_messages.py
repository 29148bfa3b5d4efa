"""The messages as columns: who is meant, and what a key made of dimensions is."""

import numpy as np
import pytest

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
    assert messages().where({}).tolist() == [0, 1, 2, 3]
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
