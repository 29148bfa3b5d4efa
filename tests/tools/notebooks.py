"""Execute the notebooks, so that the same code and machine give the same bytes.

    python tests/tools/notebooks.py                 # all of them, in place
    python tests/tools/notebooks.py notebooks/03*   # some of them

What depends on when and where they ran is not kept: times, versions, the state of widgets. In place
of sliders, which only live while a kernel does, stands what they show at first, and where they are.
"""

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"
INSTEAD = "*Sliders while the notebook runs; this is where they stand at first: {}.*"

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def execute(path: Path) -> nbformat.NotebookNode:
    """The notebook as it is after a run of all its cells, cleaned.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as settings:
        # No profile and no start-up file of the user's; the kernel listens here, on no network.
        os.environ["IPYTHONDIR"] = settings
        kernel = KernelManager(kernel_name="python3", transport="ipc", ip=f"{settings}/kernel")
        where = {"metadata": {"path": str(FOLDER)}}
        client = NotebookClient(
            notebook, timeout=600, km=kernel, record_timing=False, resources=where
        )
        try:
            client.execute()
        finally:
            kernel.shutdown_kernel(now=True)
    return cleaned(notebook, client.widget_state)


def cleaned(
    notebook: nbformat.NotebookNode, widgets: Mapping[str, Any] | None = None
) -> nbformat.NotebookNode:
    """The notebook without what depends on when and where it ran.

    Args:
        notebook: as it ran.
        widgets: the state of each widget in it, by the id of its model.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = [
                one for output in cell.outputs for one in _cleaned(output, widgets or {})
            ]
    nbformat.validate(notebook)
    return notebook


def _cleaned(output: Any, widgets: Mapping[str, Any]) -> list[Any]:
    if WIDGET in output.get("data", {}):
        return _as_it_stands(output["data"][WIDGET]["model_id"], widgets)
    # What a picture says of itself as text repeats its number of panels only.
    if "image/png" in output.get("data", {}):
        output.data = nbformat.from_dict({"image/png": output.data["image/png"]})
    return [output]


def _as_it_stands(box: str, widgets: Mapping[str, Any]) -> list[Any]:
    """Where the sliders of a box are, and what they show there."""
    children = [name.removeprefix("IPY_MODEL_") for name in widgets[box]["children"]]
    states = [widgets[name] for name in children]
    at = ", ".join(
        f"{state['description']} = {_value(state)}" for state in states if state.get("description")
    )
    words = nbformat.v4.new_output("display_data", data={"text/markdown": INSTEAD.format(at)})
    shown = [nbformat.from_dict(one) for state in states for one in state.get("outputs", ())]
    return [words, *(one for output in shown for one in _cleaned(output, widgets))]


def _value(state: Mapping[str, Any]) -> Any:
    """Of a slider or of buttons."""
    if "_options_labels" in state:
        return state["_options_labels"][state["index"]]
    return state["value"]


def words(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """The text of each output, with the id of its cell; of pictures, that there is one."""
    out = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                out.append((cell.id, f"{output.name}: {output.text}"))
            for kind, text in sorted(output.get("data", {}).items()):
                out.append((cell.id, kind if kind == "image/png" else f"{kind}: {text}"))
    return out


def alike(before: str, after: str, part: float = 0.02) -> bool:
    """Whether two texts are the same, but for numbers that differ by `part` at most.

    Another machine's exp() may differ in the last bit, and so a draw here and there.
    """
    if _NUMBER.sub("#", before) != _NUMBER.sub("#", after):
        return False
    pairs = zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
    numbers = [[float(text.replace(",", "")) for text in pair] for pair in pairs]
    return all(abs(a - b) <= part * max(abs(a), abs(b)) + 1 for a, b in numbers)


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook as Jupyter would."""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def main() -> None:
    """Execute the notebooks named on the command line, or all of them, in place."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        write(execute(path), path)
        print(path)


if __name__ == "__main__":
    main()
