"""What an index page shows: the README with links that lead somewhere, and the project's URLs. Runs in each build.

Links beside the README's own folder lead nowhere from an index page. They become those of the release in the repository
that pyproject.toml names; where it names none, their texts stay.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

BLOCK_OF_CODE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
RELATIVE_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?![a-z]+:|#)(?P<target>[^)\s]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Gives the metadata what follows from where the project is published."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = self.config["repository"].rstrip("/")
        release = f"v{metadata['version']}"
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": resolve_links(readme, repository, release),
        }
        metadata["urls"] = list_urls(repository, release)


def list_urls(repository: str, release: str) -> dict[str, str]:
    """The project's URLs by their labels; none where there is no repository."""
    if not repository:
        return {}
    return {
        "Source": repository,
        "Documentation": f"{repository}/tree/{release}/docs",
        "Changelog": f"{repository}/blob/{release}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Security": f"{repository}/blob/{release}/SECURITY.md",
    }


def resolve_links(text: str, repository: str, release: str) -> str:
    """A text of Markdown whose relative links lead to a release in a repository; or are no links, where it is empty."""

    def resolve(link: re.Match[str]) -> str:
        shown, target = link["text"], link["target"]
        if link["picture"]:
            return f"![{shown}]({repository}/raw/{release}/{target})" if repository else ""
        return f"[{shown}]({repository}/blob/{release}/{target})" if repository else shown

    parts = BLOCK_OF_CODE.split(text)
    parts[::2] = [RELATIVE_LINK.sub(resolve, part) for part in parts[::2]]
    return "".join(parts)
