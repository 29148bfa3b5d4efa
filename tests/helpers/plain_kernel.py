"""A kernel's own source, not compiled, beside the compiled one; and its state, as columns."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from sim.foundation.kernels import SIM


def load(name: str, path: Path) -> ModuleType:
    """The module in a file, under a name, as if it were the only one of it."""
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(kernel: ModuleType) -> ModuleType:
    """The same kernel as plain Python; what it imports from other kernels stays compiled."""
    path = SIM.joinpath(*kernel.__name__.split(".")[1:]).with_suffix(".py")
    return load("plain." + kernel.__name__, path)


def columns(state: Any) -> dict[str, np.ndarray]:
    """Each field of a kernel's state that is a number or a column, compiled or not."""
    names = [name for name in dir(state) if not name.startswith("_")]
    found = {name: np.asarray(getattr(state, name)) for name in names}
    return {name: column for name, column in found.items() if column.dtype != object}


def arrays(state: Any) -> Any:
    """The same as attributes."""
    return SimpleNamespace(**columns(state))
