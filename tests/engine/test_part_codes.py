"""The numbers of the parts, as kernels know them."""

from sim.engine import part_codes
from sim.engine.waits import BLOCK, TimePart


def test_kernels_call_the_parts_by_the_same_numbers():
    named = {name: code for name, code in vars(part_codes).items() if name.isupper()}
    assert 1 << named.pop("BLOCK_BITS") == BLOCK
    assert named == {part.name: int(part) for part in TimePart}
