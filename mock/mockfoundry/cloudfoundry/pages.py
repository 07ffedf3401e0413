"""Pages: one page of a list and the links to the others. Never decides what is in the list.

Source: cloud_controller_ng, app/presenters/v3/paginated_list_presenter.rb and lib/cloud_controller/paging/.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus


def present_page(
    resources: list[dict[str, Any]], total: int, page: int, per_page: int, url: str, kept: Mapping[str, str]
) -> dict[str, Any]:
    """One page of a list.

    Args:
        total: how many there are on all pages; the real one reads it from the page, and sees none on an empty one.
        url: of the list, without a query.
        kept: the parameters that links keep.
    """
    pages = max(1, -(-total // per_page))

    def link(number: int) -> dict[str, str]:
        pairs = {**kept, "page": str(number), "per_page": str(per_page)}
        query = "&".join(sorted(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs.items()))
        return {"href": f"{url}?{query}"}

    return {
        "pagination": {
            "total_results": total,
            "total_pages": pages,
            "first": link(1),
            "last": link(pages),
            "next": link(page + 1) if page < pages else None,
            "previous": link(page - 1) if page > 1 else None,
        },
        "resources": resources,
    }
