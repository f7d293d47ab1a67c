"""Zoos: published, browsed, downloaded; from folders and from servers that break off, lie, crawl or never end."""

from __future__ import annotations

import dataclasses
import json
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.package import load_card
from ais_app.core.zoo.client import Zoo
from ais_app.core.zoo.index import ZooEntry, plain_file_name, read_index
from ais_app.core.zoo.places import forget_place, remember, remembered, zoos
from ais_app.core.zoo.publish import Description, publish
from ais_app.core.zoo.reading import Limits
from ais_app.operations.zoo import download_network, search_networks

QUICK = Limits(timeout=0.3, slow_seconds=0.4, slow_rate=1e6)


def message(call, *arguments):
    with pytest.raises(FileProblem) as caught:
        call(*arguments)
    return str(caught.value)


def fetch(zoo, out, name="membrane"):
    return run(zoo.download_job(zoo.entry(name), out))


def parts(out):
    return list(out.glob(".*.part"))


@pytest.fixture(params=["folder", "server"])
def zoo(request, folder):
    return Zoo(str(folder) if request.param == "folder" else request.getfixturevalue("server").address)


def test_browse(zoo):
    index = zoo.index()
    (entry,) = index.entries
    assert index.title == "The laboratory"
    assert (entry.title, entry.feature, entry.voxel_size, entry.architecture) == ("Membranes", "membrane", 10, "unet_s")
    assert entry.scores == {"dice": 0.91, "average_precision": 0.95} and not entry.own_program
    assert entry.matches("lipid MEMBRANE") and not entry.matches("ribosome")
    assert zoo.preview(entry).startswith(b"\x89PNG")
    page = zoo.card(entry)
    assert all(words in page for words in ("# Membranes", "weighted back-projection", "0.910", "thin ice", "10 Å"))


def test_download_is_the_same_file_and_nothing_else(zoo, package, tmp_path):
    path = fetch(zoo, tmp_path / "here")
    assert path.read_bytes() == package.read_bytes()
    assert [file.name for file in (tmp_path / "here").iterdir()] == ["membrane.aismodel"]
    before = path.stat().st_mtime_ns
    assert fetch(zoo, tmp_path / "here") == path and path.stat().st_mtime_ns == before, "it is there already"
    path.write_bytes(b"mine")
    assert "is another network" in message(fetch, zoo, tmp_path / "here") and path.read_bytes() == b"mine"


def test_an_address_may_name_the_index(server):
    assert Zoo(server.address + "/index.json").index().entries
    assert Zoo(server.address + "/").place == server.address


@pytest.mark.parametrize("cut", [1, 1000, 300_000])
def test_a_broken_connection_is_resumed(server, package, tmp_path, cut):
    zoo = Zoo(server.address)
    server.manner, server.cut = "truncated", cut
    assert f"ended after {cut:,} of {package.stat().st_size:,} bytes" in message(fetch, zoo, tmp_path)
    assert "ended after" in message(fetch, zoo, tmp_path)
    assert [part.stat().st_size for part in parts(tmp_path)] == [2 * cut] and not (
        tmp_path / "membrane.aismodel"
    ).exists()
    server.manner = "good"
    assert fetch(zoo, tmp_path).read_bytes() == package.read_bytes() and not parts(tmp_path)
    assert server.asked[-1] == ("membrane.aismodel", f"bytes={2 * cut}-")


def test_a_server_without_ranges_starts_again(server, package, tmp_path):
    zoo = Zoo(server.address)
    server.manner = "truncated"
    message(fetch, zoo, tmp_path)
    server.manner = "no ranges"
    assert fetch(zoo, tmp_path).read_bytes() == package.read_bytes()


def test_stopped_by_a_person_it_goes_on_later(server, package, tmp_path):
    zoo = Zoo(server.address)
    with pytest.raises(JobCancelled):
        run(zoo.download_job(zoo.entry("membrane"), tmp_path), stop=lambda: bool(parts(tmp_path)))
    assert fetch(zoo, tmp_path).read_bytes() == package.read_bytes()


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ("other content", "SHA-256 differs"),
        ("other length", "the index lists"),
        ("endless", "is longer than"),
        ("dripping", "comes too slowly"),
        ("silent", "does not answer in time"),
        ("elsewhere", "302"),
        ("round and round", "302"),
        ("failing", "503 Down"),
        ("nonsense", "cannot be read"),
    ],
)
def test_what_a_lying_server_sends_never_becomes_a_network(server, tmp_path, manner, words):
    zoo, began = Zoo(server.address, QUICK), time.monotonic()
    entry = zoo.entry("membrane")
    server.manner = manner
    assert words in message(run, zoo.download_job(entry, tmp_path))
    assert not (tmp_path / "membrane.aismodel").exists() and time.monotonic() - began < 5
    server.manner = "good"
    assert fetch(Zoo(server.address), tmp_path).exists(), "what came before does no harm"


def test_a_part_that_was_altered_is_thrown_away(server, tmp_path):
    zoo = Zoo(server.address)
    server.manner = "truncated"
    message(fetch, zoo, tmp_path)
    parts(tmp_path)[0].write_bytes(bytes(1000))
    server.manner = "good"
    assert "SHA-256 differs" in message(fetch, zoo, tmp_path) and not parts(tmp_path)
    assert fetch(zoo, tmp_path).exists()


def test_a_wrong_range_is_noticed(server, package, tmp_path):
    zoo = Zoo(server.address)
    server.manner = "truncated"
    message(fetch, zoo, tmp_path)
    server.manner = "other range"
    assert "were asked for" in message(fetch, zoo, tmp_path)


@pytest.mark.parametrize(
    ("manner", "words"),
    [("endless", "does not end"), ("truncated", "ended after"), ("silent", "does not answer"), ("dripping", "slowly")],
)
def test_an_index_has_limits_too(server, manner, words):
    server.manner, server.cut = f"index {manner}", 50
    assert words in message(Zoo(server.address, dataclasses.replace(QUICK, index=2**20)).index)


def test_a_large_index_is_refused_by_its_length(server, folder):
    (folder / "index.json").write_bytes(b" " * 2**21)
    assert "at most 1,048,576" in message(Zoo(server.address, Limits(index=2**20)).index)


def test_nobody_answers(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "cannot be read" in message(Zoo(f"http://127.0.0.1:{port}").index)
    assert "No such file" in message(Zoo(str(tmp_path / "none")).index)
    assert "404" not in message(Zoo("http://127.0.0.1:1/x y").index)


def entry(**changes):
    values = {"name": "m", "file": "m.aismodel", "size": 10, "sha256": "0" * 64}
    return {key: value for key, value in (values | changes).items() if value is not None}


def index(*entries, **changes):
    return json.dumps({"format": "ais-app zoo", "format_version": 1, "title": "t", "models": list(entries)} | changes)


@pytest.mark.parametrize(
    "file",
    ["../x.aismodel", "/etc/x.aismodel", "a/b.aismodel", "..\\x.aismodel", "C:x.aismodel", ".x.aismodel", "x", "",
     "http://evil/x.aismodel", "x\0.aismodel", "a\n.aismodel", "CON.aismodel", "nul.x.aismodel", 3, "é.aismodel",
     "a" * 200 + ".aismodel"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(file):
    assert "file = " in message(read_index, index(entry(file=file)), "zoo")
    if file != "x":
        assert not plain_file_name(file)


@pytest.mark.parametrize(
    "change",
    [{"name": "../m"}, {"name": None}, {"size": 0}, {"size": -1}, {"size": True}, {"size": 2**60}, {"size": "10"},
     {"sha256": "x"}, {"sha256": "0" * 63 + "G"}, {"sha256": None}, {"voxel_size": -1}, {"voxel_size": "10"},
     {"scores": {"dice": "good"}}, {"scores": {"dice": float("nan")}}, {"scores": []}, {"title": 3},
     {"preview": "../p.png"}, {"preview": "p.svg"}, {"card": "/c.md"}, {"own_program": "no"}, {"data": "x" * 30_000}],
)  # fmt: skip
def test_impossible_entries_are_named(change):
    assert f"{next(iter(change))} = " in message(read_index, index(entry(**change)), "zoo")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("[" * 200_000, "not valid JSON"),
        ("<html>", "not valid JSON"),
        ("[]", "not of the format"),
        (index(format="other"), "not of the format"),
        (index(format_version=2), "newer format"),
        (index(models=None), "lists no networks"),
        (index(3), "where a network should be"),
        (index(entry(), entry()), "lists the name 'm' twice"),
        (index(entry(), entry(name="n", file="M.aismodel")), "lists the file 'm.aismodel' twice"),
        (index(models=[{}] * 20_001), "more than 20,000"),
    ],
)
def test_other_indexes_are_refused(text, words):
    assert words in message(read_index, text, "zoo")


def test_what_a_later_version_adds_is_passed_over():
    (found,) = read_index(index(entry(colour_of_the_cage="blue")), "zoo").entries
    assert found == ZooEntry("m", "m.aismodel", 10, "0" * 64)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_read_or_refused(value):
    for text in (json.dumps(value), index(value), index(entry(scores=value))):
        try:
            read_index(text, "zoo")
        except FileProblem:
            pass


def test_publish_again_and_beside(package, folder):
    with pytest.raises(FileProblem, match="--replace"):
        publish(package, folder)
    publish(package, folder, about=Description("Better membranes", scores={"dice_on_unseen": 0.8}), replace_it=True)
    publish(package, folder, "other")
    index = Zoo(str(folder)).index()
    assert [found.title for found in index.entries] == ["Better membranes", "other"] and index.title == "The laboratory"
    assert index.entries[0].scores["dice_on_unseen"] == 0.8


def test_publish_refuses(package, folder, tmp_path):
    with pytest.raises(ParameterProblem, match="is an address"):
        publish(package, "https://example.org/zoo")
    with pytest.raises(ParameterProblem, match="not of letters"):
        publish(package, folder, "../x")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileProblem, match="is a file, not a folder"):
        publish(package, tmp_path / "file")
    (folder / ".index.json.lock").write_text("")
    with pytest.raises(FileProblem, match="another program publishes"):
        publish(package, folder, "x")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setenv("AIS_APP_MODELS", str(tmp_path / "mine"))
    monkeypatch.setattr("ais_app.operations.zoo.shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setattr("ais_app.core.zoo.places.shipped_folder", lambda: tmp_path / "shipped")
    return tmp_path / "mine"


def test_all_places_are_searched_and_a_broken_one_is_named(mine, server, package, tmp_path):
    publish(package, tmp_path / "shipped", "starter")
    remember(server.address)
    mine.joinpath("own.aismodel").write_bytes(package.read_bytes())
    mine.joinpath("bad.aismodel").write_bytes(b"")
    offers = search_networks()
    assert [(offer.entry.name, offer.origin) for offer in offers.found] == [
        ("starter", "shipped"), ("own", "yours"), ("membrane", "The laboratory"),
    ]  # fmt: skip
    assert list(offers.problems) == [str(mine / "bad.aismodel")]
    assert [offer.entry.name for offer in search_networks("lipid").found] == ["membrane"]
    server.manner = "index failing"
    offers = search_networks("membrane")
    assert len(offers.found) == 2 and "503" in offers.problems[server.address]
    server.manner = "good"
    assert download_network("membrane") == mine / "membrane.aismodel"
    assert load_card(download_network("starter", tmp_path)).feature == "membrane"
    assert "is in no zoo" in message(download_network, "nothing")
    assert remembered() == [server.address] and len(zoos()) == 2
    forget_place(server.address)
    assert remembered() == []


def test_only_zoos_are_remembered(mine, tmp_path):
    assert "No such file" in message(remember, str(tmp_path / "none"))
    assert remembered() == []
    mine.mkdir()
    (mine / "zoos.json").write_text("{}")
    assert "not a list" in message(remembered)


def test_command_line(mine, ais, server, package, tmp_path):
    code, out, err = ais("models", "publish", package, tmp_path / "z", "--title", "Bilayers", "--licence", "CC0-1.0")
    assert code == 0, err
    code, out, _ = ais("models", "search", "--zoo", tmp_path / "z", "--json")
    assert code == 0 and json.loads(out)[0]["licence"] == "CC0-1.0"
    assert ais("models", "zoos", "--add", server.address)[1].split() == [server.address]
    code, out, _ = ais("models", "search", "lipid")
    assert code == 0 and "membrane" in out and "0.910" in out
    code, out, _ = ais("models", "download", "membrane", "--out", tmp_path / "got")
    assert code == 0 and out.strip() == str(tmp_path / "got" / "membrane.aismodel")
    server.manner = "other content"
    code, _, err = ais("models", "download", "membrane")
    assert code == 1 and "SHA-256" in err
