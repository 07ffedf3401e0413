"""Kept pages: pages of lists that stay as they are until the world is written to. Never decides what a page shows."""

from collections.abc import Hashable

from mockfoundry.cloudfoundry.api.request import ApiResponse

MAX_KEPT_BYTES = 4 * 1024 * 1024
"""How many bytes of pages are kept, of all foundations. Beyond it all of them are forgotten."""

MAX_KEPT_PAGES = 256

MAX_KEPT_PAGE_BYTES = 512 * 1024


class KeptPages:
    """Pages by what they follow from, the version of the world's tables among it: nothing outdated is ever found.

    Foundations that are copies of each other share them until one of them is written to.
    """

    def __init__(self) -> None:
        self._pages: dict[Hashable, ApiResponse] = {}
        self._size = 0

    def get(self, key: Hashable) -> ApiResponse | None:
        """The page that was kept for a key; None if there is none."""
        return self._pages.get(key)

    def keep(self, key: Hashable, page: ApiResponse, key_size: int) -> None:
        """Keeps a page, whose body is encoded, unless it is too large for that.

        Args:
            key_size: how many signs of the key are the client's.
        """
        size = len(page.body) + key_size
        if size > MAX_KEPT_PAGE_BYTES or key in self._pages:
            return
        if self._size + size > MAX_KEPT_BYTES or len(self._pages) >= MAX_KEPT_PAGES:
            self._pages.clear()
            self._size = 0
        self._pages[key] = page
        self._size += size


KEPT_PAGES = KeptPages()
"""Of all foundations, since ten thousand of them may each have a page that was asked for once."""
