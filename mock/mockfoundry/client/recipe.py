"""Recipes: what a server is made of, as text that can be sent to another process. Never serves anything."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from mockfoundry.client.errors import ServerError
from mockfoundry.client.wording import Document, SeedSource, scenario_document, seed_document

if TYPE_CHECKING:
    from mockfoundry.client.wording import ScenarioSource
    from mockfoundry.exchange import Service

Mode = Literal["stateful", "canned"]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is made of.

    Attributes:
        scenarios: names of the library, or what is written, in the order in which they are asked.
        contract: a file's path, None for the shipped one.
        max_foundations: None for as many as a server holds by default.
    """

    seed: Document | None
    scenarios: list[str | Document]
    random_seed: int
    contract: str | None
    strict: bool
    mode: Mode
    max_foundations: int | None


def recipe_of(
    seed: SeedSource | None,
    scenarios: "Sequence[ScenarioSource]",
    random_seed: int,
    contract: str | Path | None,
    strict: bool,
    mode: Mode,
    max_foundations: int | None,
) -> Recipe:
    """The recipe of what a test asked for.

    Raises:
        OSError: a file can't be read.
    """
    return Recipe(
        seed=None if seed is None else seed_document(seed),
        scenarios=[scenario_document(each) or str(each) for each in scenarios],
        random_seed=random_seed,
        contract=None if contract is None else str(contract),
        strict=strict,
        mode=mode,
        max_foundations=max_foundations,
    )


def service_from(recipe: Recipe) -> "Service":
    """The service that a recipe describes.

    Raises:
        ContractError: the contract can't be used.
        DocumentError: the seed or a scenario can't be used.
        OSError: the contract can't be read.
    """
    from mockfoundry import shipped
    from mockfoundry.assembly import Options, assembled
    from mockfoundry.documents import Written
    from mockfoundry.foundations import Bounds

    most = recipe.max_foundations
    return assembled(
        Options(
            born=time.time_ns() // 1000,
            contract=shipped.CONTRACT if recipe.contract is None else Path(recipe.contract),
            seed=None if recipe.seed is None else Written(*recipe.seed),
            scenarios=tuple(each if isinstance(each, str) else Written(*each) for each in recipe.scenarios),
            canned=recipe.mode == "canned",
            strict=recipe.strict,
            random_seed=recipe.random_seed,
            bounds=Bounds() if most is None else Bounds(foundations=most),
        )
    )


def begun(recipe: Recipe) -> "Service":
    """The service that a recipe describes, for a caller in this process.

    Raises:
        ServerError: what a user gave can't be used.
    """
    try:
        return service_from(recipe)
    except Exception as error:
        plain = told_plainly(error)
        if plain is None:
            raise
        raise ServerError(f"the server did not start: {plain}") from None


def told_plainly(error: Exception) -> str | None:
    """What went wrong with what a user gave, None where it was something else."""
    from mockfoundry.contract import ContractError
    from mockfoundry.documents import DocumentError

    if isinstance(error, ContractError | DocumentError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the server'}: {error.strerror or error}"
    return None
