"""A kernel's own source, not compiled, beside the compiled one."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def plain(kernel: ModuleType) -> ModuleType:
    """The same kernel as plain Python; what it imports from other kernels stays compiled."""
    path = next(Path(kernel.__file__).parent.glob(kernel.__name__.split(".")[-1] + ".py"))
    spec = spec_from_file_location("plain." + kernel.__name__, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
