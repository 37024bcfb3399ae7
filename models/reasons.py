"""Which past items made a score: the rule that all models that explain themselves share."""

import numpy as np


def past_reasons(past: np.ndarray, added: np.ndarray, top: int) -> list[list[tuple[str, float]]]:
    """Return for each column of added (m, asked) the `top` past ids (m,) that added most to it.

    Greatest first; past items that added nothing are left out.
    """
    order = np.argsort(-added, axis=0, kind="stable")[:top]  # (top, asked)
    found: list[list[tuple[str, float]]] = []
    for column, best in enumerate(order.T):
        kept = best[added[best, column] != 0]
        found.append(list(zip(past[kept].tolist(), added[kept, column].tolist(), strict=True)))
    return found
