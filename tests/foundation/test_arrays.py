"""The types of the columns: each name says the kind and width of its items."""

from typing import get_args

import numpy as np
import pytest

from sim.foundation import arrays


@pytest.mark.parametrize(
    "name, dtype",
    [
        ("F64", np.float64),
        ("F32", np.float32),
        ("I64", np.int64),
        ("I32", np.int32),
        ("I16", np.int16),
        ("U16", np.uint16),
        ("U8", np.uint8),
        ("Bools", np.bool_),
    ],
)
def test_a_name_is_the_width_it_says(name: str, dtype: type) -> None:
    assert get_args(get_args(getattr(arrays, name))[1]) == (dtype,)


def test_no_limit_fits_a_column_and_nothing_fits_above_it() -> None:
    assert np.array([arrays.NO_LIMIT], np.int64)[0] == 2**63 - 1
    with pytest.raises(OverflowError):
        np.array([arrays.NO_LIMIT + 1], np.int64)
