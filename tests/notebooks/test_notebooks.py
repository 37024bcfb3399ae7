"""Every notebook runs from top to bottom, imports our packages, and defines nothing."""

import ast
import os
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_defines_nothing_and_is_stored_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None
            kinds = (ast.FunctionDef, ast.ClassDef, ast.Lambda)
            assert not [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, kinds)]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all notebooks: what they import is loaded once, as is the practice shop."""
    manager = KernelManager(kernel_name="python3")
    env = os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("practice"))}
    manager.start_kernel(env=env | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_runs_from_top_to_bottom(path, kernel):
    book = nbformat.read(path, as_version=4)
    nothing = nbformat.v4.new_code_cell("%reset -f")  # each finds no name of the one before
    shown = NotebookClient(
        nbformat.v4.new_notebook(cells=[nothing, *book.cells]), km=kernel, timeout=600
    ).execute(cwd=str(FOLDER), cleanup_kc=False)
    outputs = [o for c in shown.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert any(o.output_type == "execute_result" for o in outputs)
