"""What lives as long as the process is set aside, so that the garbage collector leaves it alone."""

import gc

_THRESHOLDS = (50_000, 20, 50)  # Python's own (700, 10, 10) are for programs with a small heap


def settle() -> None:
    """Call once, after everything is imported: from here on only what is new is looked through.

    The libraries make some hundred thousand objects, and the fold of an event makes many that live
    for a moment. Without this a third of the time of a single event goes into looking for garbage.
    """
    gc.set_threshold(*_THRESHOLDS)
    gc.collect()
    gc.freeze()


def set_aside() -> None:
    """Call when something large was read that stays, such as a release; only after `settle`."""
    if gc.get_freeze_count():
        gc.collect()
        gc.freeze()
