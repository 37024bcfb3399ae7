"""The house: every package is the one of this checkout, and the layout's known traps stay shut."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "feature_repo", "models", "training", "serving")
SOURCES = [f for p in PACKAGES for f in (ROOT / p).rglob("*.py")] + [ROOT / "nextbest.py"]


@pytest.mark.parametrize("name", [*PACKAGES, "nextbest"])
def test_each_package_is_imported_from_this_checkout(name):
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).relative_to(ROOT).parts[0] in (name, f"{name}.py")


def test_no_package_marker_under_tests_shadows_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_nobody_imports_the_front_door():
    for file in SOURCES:
        names = [
            name
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            for name in _imported(node)
        ]
        assert "nextbest" not in names, file


def test_whoever_imports_feast_makes_it_light_before():
    for file in SOURCES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = [name for node in tree.body for name in _imported(node)]
        feast = [n for n, name in enumerate(names) if name.split(".")[0] == "feast"]
        assert not feast or "feature_repo.light_feast" in names[: feast[0]], file


def test_no_file_is_longer_than_400_lines():
    long = {str(f): n for f in SOURCES if (n := len(f.read_text().splitlines())) > 400}
    assert not long


def test_every_dependency_is_explained_and_pinned():
    text = (ROOT / "pyproject.toml").read_text()
    block = text.split("dependencies = [", 1)[1].split("\n]", 1)[0]
    names = re.findall(r'^\s*"([\w-]+)', block, flags=re.M)
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    pinned = (ROOT / "constraints.txt").read_text().lower().replace("_", "-")
    assert names
    for name in names:
        assert name in explained, f"{name} has no line in docs/dependencies.md"
        assert f"\n{name.lower()}==" in pinned, f"{name} is not pinned"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
