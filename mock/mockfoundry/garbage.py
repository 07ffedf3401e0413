"""The garbage collector of a server's process: still while a server starts, and hardly ever at work after that.

What a start imports is in use until the end, so it is never looked through. Never ends a pause that others have begun.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

GC_THRESHOLDS = (5_000, 4, 1_000)
"""After how many new objects the garbage collector searches those; after how many such runs those that have stayed;
after how many of these runs everything. Everyone waits for a run: the first two take milliseconds, and the last, which
takes long where worlds are large, comes after some 25 million objects that have stayed."""


@contextmanager
def pause_collection() -> Iterator[None]:
    """No search for garbage in the block: what is imported and a large world have none while they are made, and each
    search goes through them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def keep_what_is_imported() -> None:
    """Has no search go through the objects that exist now, nor look whether there is garbage among them."""
    gc.freeze()


def tune_garbage_collector() -> None:
    """Ends a pause; has the collector ignore what exists now, search few objects at a time, and all hardly ever.

    An exchange leaves no reference cycles, so there is little to collect. With thousands of foundations each search of
    everything would meet many objects that are all in use.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
