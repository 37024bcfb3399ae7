"""How sure is a rate: the Wilson interval, which stays within 0 and 1 and is fair to few trials."""

from math import sqrt

from domain.errors import InvalidInput

_Z = 1.959964  # 95 %


def wilson(happened: int, trials: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a rate (Wilson 1927), None without trials."""
    if not 0 <= happened <= trials:
        raise InvalidInput(f"{happened} of {trials} is no rate; give 0 up to the trials")
    if trials == 0:
        return None
    rate, z2 = happened / trials, _Z * _Z
    middle = rate + z2 / (2 * trials)
    spread = _Z * sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials))
    low, high = ((middle + s) / (1 + z2 / trials) for s in (-spread, spread))
    return max(low, 0.0) if happened else 0.0, min(high, 1.0) if happened < trials else 1.0
