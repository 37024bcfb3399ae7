"""Which past items made a score: the rule that all models that explain themselves share."""

import numpy as np


def past_reasons(past: np.ndarray, added: np.ndarray, top: int) -> list[list[tuple[str, float]]]:
    """Return for each column of added (m, asked) the `top` past ids (m,) that added most to it.

    Greatest first; past items that added nothing are left out.
    """
    by_asked = np.ascontiguousarray(added.T)  # (asked, m)
    order = np.argsort(-by_asked, axis=1, kind="stable")[:, :top]
    ids, worth = past[order].tolist(), np.take_along_axis(by_asked, order, axis=1).tolist()
    return [
        [pair for pair in zip(names, values, strict=True) if pair[1] != 0]
        for names, values in zip(ids, worth, strict=True)
    ]
