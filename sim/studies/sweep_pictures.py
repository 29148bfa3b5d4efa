"""The picture of a sweep: of one key lines, of two in a grid heat maps, of more a tornado."""

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from sim.studies.design import Varied, short_names
from sim.studies.sweep_words import called, title
from sim.studies.sweeps import WHO, Sweep
from sim.studies.words import figure

if TYPE_CHECKING:
    from sim.charts.picture import Picture
    from sim.charts.sweeps import KeyAxis

MOST_CELLS = 16
"""Values of a key in a heat map; with more, there is a tornado."""


def picture(found: Sweep, number: str) -> "Picture | None":
    """What the settings do to a number, of each group that they change; None: of none.

    Args:
        found: the sweep.
        number: a column of the summary.
    """
    from sim.charts import sweeps as charts
    from sim.charts.picture import Picture

    depends = found.depends(number)
    if not depends:
        return None
    say, times = partial(figure, number), number.endswith("_s")
    head = title(found, number)
    of = f"mean of {found.replications} runs" if found.replications > 1 else "one run a setting"
    keys = [
        _key(one, name) for one, name in zip(found.varied, short_names(found.varied), strict=True)
    ]
    if len(keys) == 1:
        frames = [_named(found.cells(number, *who), who) for who in depends]
        return Picture.of(
            charts.lines, pd.concat(frames, ignore_index=True), keys[0], title=head,
            number=called(number), say=say, times=times, of=of,
        )  # fmt: skip
    most = max(len(key.values) for key in keys)
    if len(keys) == 2 and found.design.kind == "grid" and most <= MOST_CELLS:
        down, across = sorted(keys, key=lambda key: len(key.values))
        cells = {".".join(who): found.cells(number, *who) for who in depends}
        return Picture.of(
            charts.heat, cells, across, down, title=head, number=called(number), say=say, of=of
        )
    effects = {".".join(who): found.effects(number, *who) for who in depends}
    middle = {".".join(who): float(found.cells(number, *who)["mean"].median()) for who in depends}
    return Picture.of(
        charts.tornado, effects, middle, {key.path: key.name for key in keys}, title=head,
        number=called(number), say=say, times=times,
    )  # fmt: skip


def _named(cells: pd.DataFrame, who: tuple[str, str]) -> pd.DataFrame:
    return cells.assign(**dict(zip(WHO, who, strict=True)))


def _key(one: Varied, name: str) -> "KeyAxis":
    from sim.charts.sweeps import KeyAxis

    values = tuple(level.value for level in one.levels)
    return KeyAxis(
        one.path, name, one.say, tuple(sorted(values)) if one.numeric else values, one.log
    )
