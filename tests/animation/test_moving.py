"""Whether the moving picture moves."""

from pathlib import Path

import numpy as np
from PIL import Image

from helpers.tables import Group, build, three_groups
from sim.animation.moving import write
from sim.animation.page import scene


def test_the_moving_picture_moves(tmp_path: Path) -> None:
    tables = build(
        {"sqs": {"all": Group(capacity=150.0)}, "kafka": three_groups(kind="log")}, duration_s=600.0
    )
    shown = scene(tables, 0.0, 60.0)
    with Image.open(write(shown, tmp_path / "a.gif", "A title")) as picture:
        assert picture.n_frames == len(shown.t_s)
        frames = []
        for i in (0, picture.n_frames - 1):
            picture.seek(i)
            frames.append(np.asarray(picture.convert("L"), float))
    assert np.abs(frames[0] - frames[1]).mean() > 1
