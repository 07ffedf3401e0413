"""HAR files: what is written is read again, is whole at any time, and takes no other file's place."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry.recording.har import HarActor, HarEntry, HarError, Recording, read_har
from mockfoundry.recording.har_writing import HarWriter, entry_to_dict
from tests.searching import examples

ENTRY = HarEntry(
    started=1_700_000_000_123_456,
    took=2_500,
    method="POST",
    url="https://api.example.org/v3/apps?x=%C3%A4&x=2",
    headers=(("content-type", "application/json"), ("accept", "a"), ("accept", "b")),
    content=b'{"a": 1}',
    status=202,
    answer_headers=(("location", "https://api.example.org/v3/jobs/1"), ("content-type", "text/plain")),
    answer=b"\xff\x00",
    actor=HarActor("alice", "guid-1", ("a", "b")),
    comment="as it came",
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
PAIRS = st.lists(st.tuples(st.sampled_from(["a", "content-type", "x-b"]), TEXT), max_size=3).map(tuple)
ENTRIES = st.builds(
    HarEntry,
    started=st.integers(0, 4_000_000_000_000_000),
    took=st.integers(0, 10**9 - 1).map(lambda n: n * 1000),
    method=st.sampled_from(["GET", "POST", "PURGE"]),
    url=TEXT.map(lambda text: f"https://api/{text}"),
    headers=PAIRS,
    content=st.binary(max_size=30),
    status=st.integers(0, 599),
    answer_headers=PAIRS,
    answer=st.binary(max_size=30),
    actor=st.none() | st.builds(HarActor, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple)),
    comment=TEXT,
)


@given(st.lists(ENTRIES, max_size=4))
@settings(max_examples=examples(30))
def test_what_is_written_is_read_again(entries: list[HarEntry]) -> None:
    """Any bytes, any order of times: nothing is lost, and the entries come in the order in which they began."""
    text = json.dumps({"log": {"version": "1.2", "entries": [entry_to_dict(each) for each in entries]}})
    assert read_har(text.encode(), "a.har") == Recording(tuple(sorted(entries, key=lambda each: each.started)))


def test_the_file_has_every_field_that_the_format_requires(tmp_path: Path) -> None:
    """HTTP Archive 1.2: programs that read such files need them."""
    log = written(tmp_path, ENTRY)["log"]
    assert log["version"] == "1.2"
    assert sorted(log["creator"]) == ["name", "version"]
    (entry,) = log["entries"]
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= entry.keys()
    sides = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
    assert sides | {"method", "url", "queryString"} <= entry["request"].keys()
    assert sides | {"status", "statusText", "content", "redirectURL"} <= entry["response"].keys()
    assert entry["request"]["postData"].keys() >= {"mimeType", "params", "text"}
    assert entry["response"]["content"] == {"size": 2, "mimeType": "text/plain", "text": "/wA=", "encoding": "base64"}
    assert entry["request"]["queryString"] == [{"name": "x", "value": "ä"}, {"name": "x", "value": "2"}]
    assert entry["startedDateTime"] == "2023-11-14T22:13:20.123456Z"
    assert (entry["time"], entry["timings"]["wait"]) == (2.5, 2.5)


def written(folder: Path, *entries: HarEntry, comment: str = "") -> dict[str, Any]:
    writer = HarWriter(folder / "a.har", "https://api.example.org")
    for each in entries:
        writer.add(each)
    writer.close(comment)
    document: dict[str, Any] = json.loads((folder / "a.har").read_bytes())
    return document


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    written(tmp_path, ENTRY)
    assert stat.S_IMODE((tmp_path / "a.har").stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["a.har"]


def test_it_is_whole_at_any_time(tmp_path: Path) -> None:
    """Whatever kills the recording leaves all that was recorded, beside the name that was asked for."""
    writer = HarWriter(tmp_path / "a.har", "https://api.example.org")
    part = tmp_path / "a.har.part"
    for count in range(3):
        assert len(read_har(part.read_bytes(), "a.har").entries) == count
        writer.add(ENTRY)
    assert read_har(part.read_bytes(), "a.har") == Recording((ENTRY,) * 3, "https://api.example.org")
    assert not (tmp_path / "a.har").exists()
    writer.close()


def test_what_was_left_out_is_said_in_the_file(tmp_path: Path) -> None:
    assert written(tmp_path, ENTRY, comment="left out: 2")["log"]["comment"] == "left out: 2"


def test_no_file_is_replaced(tmp_path: Path) -> None:
    """Neither one of that name, nor what a killed recording has left, nor one that came meanwhile."""
    path = tmp_path / "a.har"
    writer = HarWriter(path, "https://api.example.org")
    with pytest.raises(HarError, match=r"a\.har\.part exists, of a recording that was killed; keep it elsewhere"):
        HarWriter(path, "https://api.example.org")
    path.write_text("mine", "utf-8")
    with pytest.raises(HarError, match=r"a\.har exists by now; the recording is in .*a\.har\.part"):
        writer.close()
    with pytest.raises(HarError, match=r"a\.har exists; name another file, or remove that one"):
        HarWriter(path, "https://api.example.org")
    assert path.read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "is a folder; name a file in it"),
        ("folder", "folder is a folder; name a file in it"),
        ("..", "is a folder; name a file in it"),
        ("none/a.har", r"none/a\.har\.part can't be written: No such file or directory"),
        ("file/a.har", r"file/a\.har\.part can't be written: Not a directory"),
        ("file", "file exists; name another file, or remove that one"),
        ("dangling", "dangling exists; name another file, or remove that one"),
        ("left", r"left\.part exists, of a recording that was killed; keep it elsewhere, or remove it"),
        ("a" * 300, "can't be written: File name too long"),
        ("a" * 252, "can't be written: File name too long"),
        ("a\0b", "can't be the name of a file; take another one"),
        ("/sys/a.har", r"/sys/a\.har\.part can't be written: "),
    ],
)
def test_what_can_not_be_the_file_is_told(tmp_path: Path, name: str, told: str) -> None:
    """And nothing is left of it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "left.part").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(HarError, match=told):
        HarWriter(tmp_path / name, "https://api.example.org")
    assert sorted(tmp_path.iterdir()) == before


def test_a_disk_that_is_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not when the first exchange comes."""
    opened = os.open
    monkeypatch.setattr("os.open", lambda *_: opened("/dev/full", os.O_WRONLY))
    with pytest.raises(HarError, match=r"a\.har\.part can't be written: No space left on device"):
        HarWriter(tmp_path / "a.har", "https://api.example.org")
    assert list(tmp_path.iterdir()) == []


def test_a_browsers_file_is_read() -> None:
    """Its times have zones, its headers capitals and HTTP/2's own among them; bodies may be missing."""
    entry = {
        "startedDateTime": "2026-11-28T14:00:00.250+01:00",
        "request": {
            "method": "get",
            "url": "https://api.example.org/v3/apps",
            "headers": [{"name": ":path", "value": "/"}, {"name": "Accept", "value": "*/*"}],
        },
        "response": {"status": 200, "content": {"size": 0}, "headers": "none"},
    }
    text = b"\xef\xbb\xbf" + json.dumps({"log": {"entries": [entry]}}).encode()
    url = "https://api.example.org/v3/apps"
    headers = (("accept", "*/*"),)
    moment = 1_795_870_800_250_000
    assert read_har(text, "a.har").entries == (
        HarEntry(started=moment, method="GET", url=url, headers=headers, status=200),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "a.har is not JSON"),
        ("[" * 100_000, "a.har is not JSON"),
        ('{"log": {}}', "a.har has no log.entries; give a HAR file"),
        ('{"log": {"entries": [{}]}}', r"a.har: log.entries\[0\] is no entry of HAR: it needs startedDateTime"),
        (
            '{"log": {"entries": [{"startedDateTime": "soon", "request": {"method": "GET", "url": "/"}, '
            '"response": {"status": 1}}]}}',
            r"a.har: log.entries\[0\].startedDateTime is 'soon'; give a moment with its zone",
        ),
    ],
)
def test_what_is_no_har_file_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(HarError, match=told):
        read_har(text.encode(), "a.har")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"startedDateTime": "9999-12-31T23:59:59-14:00"}, "startedDateTime is"),
        ({"startedDateTime": "1960-01-01T00:00:00Z"}, "startedDateTime is"),
    ],
)
def test_a_moment_that_nobody_can_play_is_refused(change: dict[str, str], told: str) -> None:
    entry = {"request": {"method": "GET", "url": "https://a/v3/apps"}, "response": {"status": 200}, **change}
    with pytest.raises(HarError, match=told):
        read_har(json.dumps({"log": {"entries": [entry]}}).encode(), "a.har")


def test_a_time_that_nobody_can_have_taken_is_none() -> None:
    entry = {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "time": 1e308,
        "request": {"method": "GET", "url": "https://a/v3/apps"},
        "response": {"status": 200},
    }
    assert read_har(json.dumps({"log": {"entries": [entry]}}).encode(), "a.har").entries[0].took == 0
    with pytest.raises(HarError, match="_upstream"):
        read_har(json.dumps({"log": {"entries": [entry], "_upstream": "http://[::1"}}).encode(), "a.har")
