"""Client programs in Python, and the packages that they need (extra `validate`)."""

import sys
from importlib.util import find_spec
from pathlib import Path

from sim.validate.real import BrokerMissingError


def have(module: str, package: str) -> None:
    """Make sure that a package is there.

    Args:
        module: that it brings.
        package: its name.

    Raises:
        BrokerMissingError: it is not.
    """
    if find_spec(module) is None:
        raise BrokerMissingError(
            f"there is no {package}: `pip install 'queue-log-lab[validate]'` installs it"
        )


def client_program(module: str) -> list[str]:
    """The command of a program of this room, without the lab's own imports.

    Args:
        module: its name.
    """
    return [sys.executable, str(Path(__file__).with_name(f"{module}.py"))]
