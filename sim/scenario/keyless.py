"""Messages without a key, and what asks for one all the same."""

from collections.abc import Iterator

from sim.foundation.config import KeyPath
from sim.foundation.document import Document


def keyless(whole: Document) -> bool:
    """Whether the messages of a scenario have no key.

    Args:
        whole: the scenario.
    """
    return whole.get(("workload", "keys")) in (None, {})


def no_dimension(name: str) -> str:
    """What is wrong with a dimension of a key that messages do not have.

    Args:
        name: of the dimension.
    """
    return (
        f"messages have no key; for {name!r} to be one of a thousand values, write "
        f"workload.keys: {{{name}: {{count: 1_000}}}}"
    )


def order_of_none(whole: Document) -> Iterator[tuple[KeyPath, str]]:
    """What needs or shows an order that is not counted.

    Args:
        whole: the scenario.

    Yields:
        The place and what is wrong there.
    """
    if not keyless(whole) or whole.get(("workload", "order_by")) is not None:
        return
    why = (
        "messages without a key have no order that could be counted; give workload.keys, or "
        "workload.order_by: [] for one order of all messages"
    )
    if whole.get(("needs", "order")) not in (None, "none"):
        yield ("needs", "order"), why
    if whole.get(("shows", "measure")) == "out_of_order":
        yield ("shows", "measure"), why
