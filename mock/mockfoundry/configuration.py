"""Configuration: a file with the options of `mockfoundry serve`. Reads and checks one, never starts a server.

Its form follows from the options: each flag, without its dashes, is a key. Paths are those beside the file, so that a
folder with a configuration, its seed and its scenarios can be put anywhere.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from mockfoundry.documents.declare import AsItIs, Form, FormKey, Kind, Reading, locate_finding
from mockfoundry.documents.declare import Path as KeyPath
from mockfoundry.documents.files import PEM_MARK, read_document_file
from mockfoundry.documents.kinds import BooleanKind, ChoiceKind, IntegerKind, ListKind, TextKind
from mockfoundry.documents.nodes import MAX_DOCUMENT_BYTES, node_to_data
from mockfoundry.documents.problems import DocumentError, did_you_mean
from mockfoundry.documents.wording import describe_value
from mockfoundry.documents.yaml import read_nodes
from mockfoundry.options import (
    LARGEST_RANDOM_SEED,
    LEAST_RANDOM_SEED,
    SHIPPED_PLATFORM,
    Option,
    ServerOptions,
    iterate_options,
)


@dataclass(frozen=True)
class NamedFileKind(AsItIs):
    """The path of a file that is there, or one of a few words.

    Attributes:
        folder: that relative paths begin in.
        is_written: the file need not be there.
        words: what may stand in place of a path.
        noun: what else than a file messages say it may be.
    """

    folder: Path
    is_written: bool = False
    words: Collection[str] = ()
    noun: str = ""

    def read(self, value: Any, path: KeyPath, reading: Reading) -> Any:
        text = TextKind(least=1, allowed="the path of a file").read(value, path, reading)
        if not isinstance(text, str) or text in self.words or text.startswith(PEM_MARK):
            return text
        file = self.folder / text
        if self.is_written or file.exists():
            return str(file)
        found = f"{reading.name_of(path)} is {describe_value(text)}; there is no such file in {self.folder}{self.noun}"
        return reading.refuse(path, found + did_you_mean(text, {*self.words, *list_names(file.parent)}))

    def schema(self) -> dict[str, Any]:
        path = {"type": "string", "minLength": 1}
        # Any file may be named, and the words are what an editor proposes.
        return {"anyOf": [{"enum": sorted(self.words)}, path]} if self.words else path


def list_names(folder: Path) -> list[str]:
    """The names of what is in a folder; none where it can't be read."""
    try:
        return [each.name for each in folder.iterdir()]
    except OSError:
        return []


@dataclass(frozen=True)
class ParsedTextKind(AsItIs):
    """A text that an option makes its value from; it stays the text."""

    parse: Callable[[str], Any]
    allowed: str

    def read(self, value: Any, path: KeyPath, reading: Reading) -> Any:
        if not isinstance(value, str):
            return reading.refuse_value(path, value, self.allowed)
        try:
            self.parse(value)
        except ValueError as error:
            return reading.refuse(path, f"{reading.name_of(path)}: {error}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


class SecretKind(AsItIs):
    """A text that no message repeats."""

    def read(self, value: Any, path: KeyPath, reading: Reading) -> Any:
        if isinstance(value, str):
            return value
        return reading.refuse(path, f"{reading.name_of(path)} is no text; write it in quotes")

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class OneOrListKind(AsItIs):
    """A list, or in its place the only text that it would hold."""

    kind: ListKind

    def read(self, value: Any, path: KeyPath, reading: Reading) -> Any:
        if isinstance(value, str):
            one = self.kind.kind.read(value, path, reading)
            return (one,) if isinstance(one, str) else one
        return self.kind.read(value, path, reading)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.kind.kind.schema(), self.kind.schema()]}


PARSED_TEXTS = {
    "DURATION": "a DURATION: 250ms, 15s, 30m",
    "NAME": "the name of a host",
    "INDEX/COUNT": "a share: 0/4",
    "URL": "the URL of a server",
}
"""What an option takes whose value is made of a text, by the word that the help shows for it."""


def kind_of_option(option: Option, folder: Path, scenarios: Collection[str]) -> Kind:
    """What the file may hold for an option."""
    info = option.info
    if info.is_secret:
        return SecretKind()
    if option.name == "scenarios":
        named = NamedFileKind(folder, words=scenarios, noun=", and no scenario of the library")
        return OneOrListKind(ListKind(named))
    if info.parse is not None:
        text = ParsedTextKind(info.parse, PARSED_TEXTS[info.metavar])
        return OneOrListKind(ListKind(text)) if get_origin(option.type) is tuple else text
    if option.name == "platform":
        return NamedFileKind(folder, words=(SHIPPED_PLATFORM,), noun=f", and {SHIPPED_PLATFORM} is the one that ships")
    if info.is_file:
        return NamedFileKind(folder, is_written=info.is_written)
    if get_origin(option.type) is Literal:
        return ChoiceKind(get_args(option.type))
    if option.type is bool:
        return BooleanKind()
    if option.type is int:
        least = LEAST_RANDOM_SEED if info.least is None else info.least
        return IntegerKind(least, LARGEST_RANDOM_SEED if info.most is None else info.most)
    return TextKind()


def declare_configuration(folder: Path, scenarios: Collection[str] = ()) -> Form:
    """The form of a configuration in a folder.

    Args:
        scenarios: the names of the library.
    """
    return Form(
        "a configuration (the flags of `mockfoundry serve`, without their dashes)",
        tuple(
            FormKey(
                option.flag.removeprefix("--"),
                kind_of_option(option, folder, scenarios),
                option.info.help,
                attribute=option.name,
            )
            for option in iterate_options()
        ),
    )


CONFIGURATION = declare_configuration(Path())
"""The form of a configuration that is nowhere: for its keys and its schema."""


def read_configuration(text: str, source: str, scenarios: Collection[str]) -> Mapping[str, Any]:
    """The options that a configuration gives, by their names in `ServerOptions`, as their flags would be given.

    Args:
        source: the file's path; relative paths in it begin in its folder.
        scenarios: the names of the library.

    Raises:
        DocumentError: with every problem and its place.
    """
    root = read_nodes(text, source)
    reading = Reading(root, nameless="the configuration")
    form = declare_configuration(Path(source).parent, scenarios)
    given = form.read(node_to_data(root), (), reading)
    if reading.findings:
        raise DocumentError(sorted(locate_finding(root, each, source) for each in reading.findings))
    return form.collect_attributes(given)


def options_of_configuration(given: Mapping[str, Any]) -> ServerOptions:
    """The options that a configuration alone comes to, with the defaults of the others."""
    values: dict[str, Any] = {}
    for option in iterate_options():
        if option.name not in given:
            continue
        value, parse = given[option.name], option.info.parse
        if isinstance(value, list | tuple):
            value = tuple(value if parse is None else map(parse, value))
        elif parse is not None:
            value = parse(value)
        values[option.name] = value
    return ServerOptions(**values)


def read_configuration_file(path: Path, scenarios: Collection[str]) -> Mapping[str, Any]:
    """The options in a file; see `read_configuration`.

    Raises:
        DocumentError: it is no configuration.
        OSError: it can't be read.
    """
    return read_configuration(read_document_file(path, MAX_DOCUMENT_BYTES, "make it smaller"), str(path), scenarios)
