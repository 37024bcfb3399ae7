"""Feast comes up light in whatever comes first, and can still do what was put off."""

import subprocess
import sys

import pytest

import feature_repo.light_feast  # noqa: F401  # isort: skip

from feast import online_response

SERVICE = """
import sys, typeguard
real = typeguard.typechecked
import serving.app
assert "feast.feature_store" in sys.modules
assert "torch" not in sys.modules, "torch is imported"
assert typeguard.typechecked is real, "typeguard is left changed"
"""


def test_the_service_runs_without_torch_and_leaves_typeguard_to_others():
    subprocess.run([sys.executable, "-c", SERVICE], check=True)


def test_torch_comes_when_it_is_asked_for():
    torch = pytest.importorskip("torch")
    assert online_response.get_torch() is torch
