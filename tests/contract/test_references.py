"""What a contract names is read within its own folder and within bounds; whatever is valid OpenAPI is served."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from mockfoundry.contract import cache, files
from mockfoundry.contract.cache import decode_compiled, encode_compiled
from mockfoundry.contract.load import load_contract, validate_contract
from mockfoundry.contract.plan import ContractError
from tests.serving import Serving

CONTRACT = """\
openapi: 3.0.3
info: {title: Own, version: 1.0.0}
paths:
  /tree:
    get:
      operationId: getTree
      responses: {'200': {description: ok, content: {application/json: {schema: {$ref: 'REFERENCE'}}}}}
    put:
      operationId: putTree
      requestBody: {content: {application/json: {schema: {$ref: 'REFERENCE'}}}}
      responses: {'204': {description: ok}}
"""

TREE = """\
Tree:
  type: object
  required: [name]
  properties: {name: {type: string}, children: {type: array, items: {$ref: '#/Tree'}}}
  additionalProperties: false
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a contract that refers to something, in a folder of its own beside which `secret.yaml` stands."""
    (tmp_path / "secret.yaml").write_text("Tree: {type: object}\n")

    def write_contract(reference: str, **files: str) -> Path:
        folder = tmp_path / "contract"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).with_suffix(".yaml").write_text(text)
        file = folder / "openapi.yaml"
        file.write_text(CONTRACT.replace("REFERENCE", reference))
        return file

    return write_contract


@pytest.mark.parametrize(
    "reference", ["./schemas.yaml#/Tree", "schemas.yaml#/Tree", "../contract/sch%65mas.yaml#/Tree"]
)
def test_a_recursive_schema_in_another_file_of_the_folder_is_followed(
    write: Callable[..., Path], serve: Callable[..., Serving], reference: str
) -> None:
    own = serve(of=load_contract(write(reference, schemas=TREE)))
    own.client.event_hooks = {"response": []}  # which fail where an answer is not documented
    assert own.client.put("/tree", json={"name": "a", "children": [{"name": "b", "children": []}]}).status_code == 204
    refused = own.client.put("/tree", json={"name": "a", "children": [{"name": "b", "children": [{"name": 1}]}]})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["detail"] == "Children 0 children 0 name must be a string"
    assert set(own.client.get("/tree").json()) == {"name"}


@pytest.mark.parametrize(
    "reference",
    [
        "http://127.0.0.1:9/schemas.yaml#/Tree",
        "https://schemas.example.com/schemas.yaml",
        "HTTP://127.0.0.1:9/",
        "file:///etc/hostname",
        "//host/schemas.yaml",
        "/etc/hostname",
        "%2Fetc/hostname",
        "..\\\\secret.yaml",
        "../secret.yaml#/Tree",
        "..%2fsecret.yaml#/Tree",
        "link.yaml#/Tree",
        "linked/secret.yaml#/Tree",
        "C:/schemas.yaml",
    ],
)
def test_a_reference_never_leads_out_of_the_folder(write: Callable[..., Path], tmp_path: Path, reference: str) -> None:
    file = write(reference)
    (file.parent / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (file.parent / "linked").symlink_to(tmp_path)
    with pytest.raises(ContractError) as refused:
        load_contract(file)
    text = str(refused.value)
    assert text.startswith(f"{file}: at /paths//tree/")
    assert "leads out of the contract's own folder" in text or "there is no such file" in text


def test_a_folder_of_links_as_kubernetes_mounts_it_is_one_folder(write: Callable[..., Path], tmp_path: Path) -> None:
    file = write("schemas.yaml#/Tree", schemas=TREE)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    file.parent.rename(mounted / "..data")
    for name in ("openapi.yaml", "schemas.yaml"):
        (mounted / name).symlink_to(Path("..data") / name)
    assert list(load_contract(mounted / "openapi.yaml").plans) == ["getTree", "putTree"]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("#/components/schemas/None", "leads nowhere; there is no 'components'"),
        ("schemas.yaml#/None", "leads nowhere; there is no 'None'"),
        ("schemas.yaml#anchor", "names no place"),
        ("schemas.yaml#/Tree/type", "leads to a single value"),
        ("loop.yaml#/A", "leads back to itself alone"),
        ("none.yaml", "there is no such file"),
        (".", "there is no such file"),
        ("a%00b", "is not a path of a file"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused_with_its_place(
    write: Callable[..., Path], reference: str, reason: str
) -> None:
    loop = "A: {$ref: '#/B'}\nB: {$ref: '#/A'}\n"
    with pytest.raises(ContractError) as refused:
        load_contract(write(reference, schemas=TREE, loop=loop))
    assert reason in str(refused.value)


def test_what_looks_like_a_reference_in_an_example_is_data(
    write: Callable[..., Path], serve: Callable[..., Serving]
) -> None:
    file = write("schemas.yaml#/Any", schemas="Any: {type: object, example: {$ref: 'file:///etc/hostname'}}\n")
    own = serve(of=load_contract(file))
    assert own.client.get("/tree").json() == {"$ref": "file:///etc/hostname"}


def test_schemas_that_each_name_the_next_one_twice_stay_small(
    write: Callable[..., Path], serve: Callable[..., Serving]
) -> None:
    """Forty of them would be 2 ** 40 schemas without references."""
    names = [f"S{number}" for number in range(40)]
    lines = [
        f"{name}: {{type: object, properties: {{a: {{$ref: '#/{after}'}}, b: {{$ref: '#/{after}'}}}}}}"
        for name, after in zip(names, [*names[1:], "Leaf"], strict=True)
    ]
    own = serve(of=load_contract(write("schemas.yaml#/S0", schemas="\n".join([*lines, "Leaf: {type: integer}"]))))
    assert own.client.put("/tree", json={"a": {"b": {}}}).status_code == 204
    assert own.client.get("/tree").json()["a"]["b"]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10) if n else 'x'}]" for n in range(30)),
        "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10) if n else ''}], k{n}: 1}}" for n in range(30)),
        "a: &a [*a]",
        "[" * 100_000,
        "- " * 100_000,
        '{"a":' * 100_000,
        "a: " + "[" * 300 + "]" * 300,
    ],
    ids=["aliases", "merges", "itself", "brackets", "dashes", "json", "deep"],
)
def test_what_grows_when_it_is_read_ends_at_a_bound(write: Callable[..., Path], text: str) -> None:
    for file in (write("schemas.yaml#/Tree", schemas=text), write("#/a")):
        with pytest.raises(ContractError):
            load_contract(file)
        file.write_text(text)


def test_a_file_that_never_ends_is_read_to_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ContractError, match="is too large"):
        files.read_contract_text(Path("/dev/zero"), most=1000)


def test_the_files_of_a_contract_share_one_bound(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockfoundry.contract.references.MAX_CONTRACT_BYTES", 10)
    with pytest.raises(ContractError, match="is too large"):
        load_contract(write("schemas.yaml#/Tree", schemas=TREE + "# not kept yet\n"))


def test_a_date_without_quotes_is_text_as_in_json(write: Callable[..., Path], serve: Callable[..., Serving]) -> None:
    file = write("schemas.yaml#/Day", schemas="Day: {type: string, enum: [2026-11-27]}\n")
    assert serve(of=load_contract(file)).client.get("/tree").json() == "2026-11-27"


def test_what_was_compiled_is_found_again_without_validating(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until one of its files is another, even one that it only refers to."""
    file = write("schemas.yaml#/Tree", schemas=TREE)
    first = load_contract(file)
    validated: list[Path] = []

    def validate(source: Path, text: str) -> cache.CompiledContract:
        validated.append(source)
        return validate_contract(source, text)

    monkeypatch.setattr("mockfoundry.contract.load.validate_contract", validate)
    again = load_contract(file)
    assert validated == []
    assert list(again.plans) == list(first.plans)
    body = again.plans["putTree"].body
    assert body is not None
    assert not body.accepts({"name": "a", "children": [{}]})
    (file.parent / "schemas.yaml").write_text(TREE.replace("name:", "title:").replace("[name]", "[title]"))
    changed = load_contract(file).plans["putTree"].body
    assert validated == [file]
    assert changed is not None
    assert changed.accepts({"title": "a"})


def test_a_broken_entry_of_the_cache_is_made_anew(write: Callable[..., Path]) -> None:
    file = write("schemas.yaml#/Tree", schemas=TREE + "# broken entry\n")
    broken: tuple[Callable[[bytes], bytes], ...] = (
        lambda _: b"",
        lambda _: b"\x80",
        lambda _: b"no plans",
        lambda content: content.replace(b"getTree", b"getTrie"),
    )
    for change in broken:
        load_contract(file)
        for entry in cache.find_cache_directory().glob("*.contract"):
            entry.write_bytes(change(entry.read_bytes()))
        assert list(load_contract(file).plans) == ["getTree", "putTree"]


def test_a_relative_name_of_the_cache_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    usual = cache.find_cache_directory()
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.find_cache_directory() == usual


def test_a_document_with_the_bundle_s_own_key_is_refused(write: Callable[..., Path]) -> None:
    file = write("schemas.yaml#/Tree", schemas=TREE)
    file.write_text(file.read_text() + "\nx-mockfoundry-files: []\n")
    with pytest.raises(ContractError, match="at /x-mockfoundry-files: the files that it refers to are put there"):
        load_contract(file)


def test_a_cache_that_cant_be_written_costs_one_line_of_log(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "find_cache_directory", lambda: tmp_path / "file" / "below")
    with caplog.at_level(logging.INFO, logger="mockfoundry"):
        assert load_contract(write("schemas.yaml#/Tree", schemas=TREE)).plans
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        "the compiled contract can't be kept"
    ]


def test_the_cache_keeps_the_newest_contracts_alone(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "find_cache_directory", lambda: tmp_path / "kept")
    monkeypatch.setattr(cache, "MAX_KEPT_CONTRACTS", 2)
    for number in range(4):
        load_contract(write(f"schemas.yaml#/Tree{number}", schemas=TREE.replace("Tree", f"Tree{number}")))
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_compiled_plans_are_the_same_as_data_and_back(write: Callable[..., Path]) -> None:
    file = write("schemas.yaml#/Tree", schemas=TREE)
    compiled = validate_contract(file, file.read_text())
    data = encode_compiled(compiled)
    assert encode_compiled(decode_compiled(data)) == data


def test_a_long_document_says_that_it_is_validated(
    write: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    file = write("schemas.yaml#/Tree", schemas=TREE)
    file.write_text(file.read_text() + "#" * 300_000)
    load_contract(file)
    load_contract(file)
    assert [record.getMessage() for record in caplog.records] == [
        f"validating {file} (0.3 MB), which takes a while; it is kept, so later starts need not"
    ]
