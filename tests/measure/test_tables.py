"""The tables of groups and systems, put together."""

import pandas as pd
import pytest

from helpers.random_outcome import made, outcome
from sim.engine.outcome import Fate
from sim.measure.tables import Tables, combine, measure, no_rows


def group():
    return measure(made([0.0], [0], 1), ["key"], outcome([Fate.PROCESSED], [1.0], [1]))


def test_a_group_has_the_tables_that_apply_to_it():
    assert set(group()) == {"summary", "series", "latency", "fates", "messages"}
    billed = outcome([Fate.PROCESSED], [1.0], [1], requests={"send": 1})
    assert measure(made([0.0], [0], 1), ["key"], billed)["requests"]["calls"].tolist() == [1]


def test_what_nobody_has_is_a_table_without_rows():
    tables = Tables.of(7.0, [group(), {"buffer": pd.DataFrame({"system": ["s"], "t_s": [0.0]})}])
    assert tables.duration_s == 7.0
    assert len(tables.buffer) == len(tables.summary) == 1
    for name in ("faults", "ledger", "books", "producer", "requests", "partitions", "burrow"):
        pd.testing.assert_frame_equal(getattr(tables, name), no_rows())
    with pytest.raises(KeyError, match="sumary"):
        Tables.of(7.0, [{"sumary": no_rows()}])


def test_rows_are_in_the_order_of_the_parts_and_empty_ones_change_no_type():
    empty = pd.DataFrame({"system": pd.Series(dtype="str"), "t_s": pd.Series(dtype="str")})
    full = [pd.DataFrame({"system": [name], "t_s": [1.5]}) for name in "ba"]
    tables = Tables.of(7.0, [{"buffer": frame} for frame in (empty, *full)])
    assert tables.buffer["system"].tolist() == ["b", "a"]
    assert tables.buffer["t_s"].dtype == float
    only_empty = Tables.of(7.0, [{"buffer": empty}])
    assert list(only_empty.buffer.columns) == ["system", "t_s"]


def test_combine_keeps_columns_types_and_order():
    one = Tables.of(0.0, [group()])
    two = combine([one, one])
    assert len(two.summary) == 2
    for frame in one.FRAMES:
        a, b = getattr(one, frame), getattr(two, frame)
        assert a.dtypes.to_dict() == b.dtypes.to_dict()
