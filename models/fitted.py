"""Asking a model that has learned nothing is a fault with a name, not an AttributeError."""

from typing import Any

from domain.errors import Conflict


def require_fitted(model: Any, attribute: str) -> None:
    """Raise Conflict unless `model` holds the learned `attribute`."""
    if getattr(model, attribute, None) is None:
        name = type(model).__name__
        raise Conflict(
            f"{name} has learned nothing yet; call fit(...) or {name}.load(folder) first"
        )
