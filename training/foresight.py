"""A feature has foresight when taking away the events after its cut-off changes it (law 2)."""

from datetime import datetime

import numpy as np
import pandas as pd

from feature_repo.build import features_without_later
from training.rows import Rows
from training.workshop import Workshop


def foresighted(shop: Workshop, rows: Rows, cutoff: datetime) -> list[str]:
    """Return the columns of the rows of one cut-off that know what came after it."""
    settings = shop.settings
    known = features_without_later(
        settings.home, cutoff, threads=settings.threads, memory_limit=settings.memory_limit
    )
    known = known.set_index("profile_id").reindex(rows.customers)
    return [
        str(name)
        for name in rows.X
        if name not in known or not _same(rows.X[name], known[name].reset_index(drop=True))
    ]


def _same(found: pd.Series, known: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(found) and pd.api.types.is_numeric_dtype(known):
        one, other = (c.to_numpy(dtype=np.float64, na_value=np.nan) for c in (found, known))
        return bool(np.isclose(one, other, rtol=1e-6, atol=1e-9, equal_nan=True).all())
    return bool(found.astype(object).fillna("").eq(known.astype(object).fillna("")).all())
