"""What the page asks before a run: faces of a photo in the input folder, and one sentence for everything else."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from types import SimpleNamespace

import pytest
from likeness.models.errors import BadImageError, InvalidSettingError
from PIL import Image

pytestmark = pytest.mark.comfy

REGION = "20 10 60 60\n100 20 180 90"


@pytest.fixture
def route(monkeypatch, tmp_path):
    from likeness.host import face_route

    folder = tmp_path / "input"
    (folder / "sub").mkdir(parents=True)
    monkeypatch.setattr(face_route.folder_paths, "get_input_directory", lambda: str(folder))
    monkeypatch.setattr(face_route, "_remembered", type(face_route._remembered)())
    Image.new("RGB", (200, 100), (9, 90, 9)).save(folder / "a.png")
    Image.new("RGB", (200, 100)).save(folder / "sub" / "b.png")
    Image.new("RGB", (200, 100)).save(tmp_path / "outside.png")
    return face_route


def ask(route, **sent):
    return asyncio.run(route.asked(json.dumps({"detector": "given region", "region": REGION, **sent}).encode()))


def test_boxes_come_as_fractions_with_the_size(route):
    answer = ask(route, image="a.png")
    assert (answer["width"], answer["height"]) == (200, 100)
    assert [face["box"] for face in answer["faces"]] == [[0.1, 0.1, 0.3, 0.6], [0.5, 0.2, 0.9, 0.9]]


def test_the_miniatures_finder_looks_without_comfyuis_management(route, monkeypatch):
    from comfy import model_management

    monkeypatch.setattr(model_management, "load_models_gpu", lambda *_, **__: pytest.fail("models were moved"))
    assert ask(route, image="a.png", detector="drawn faces (miniature)")["faces"] == []


@pytest.mark.parametrize("name", ["sub/b.png", "a.png [input]", "sub/../a.png"])
def test_the_input_folder_and_those_in_it_are_looked_at(route, name):
    assert len(ask(route, image=name)["faces"]) == 2


@pytest.mark.parametrize(
    "name",
    ["../outside.png", "/etc/passwd", "a.png [output]", "a.png [temp]", "", ".", "gone.png", "a\0.png", "x" * 9000],
)
def test_nothing_else_is(route, name):
    with pytest.raises(InvalidSettingError, match="input folder"):
        ask(route, image=name)


def test_a_link_that_leads_out_is_not_followed(route, tmp_path):
    os.symlink(tmp_path / "outside.png", tmp_path / "input" / "link.png")
    with pytest.raises(InvalidSettingError, match="run once"):
        ask(route, image="link.png")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b"{", b'{"image": 3}', b'{"image": "a.png", "more": 1}', b'{"image": "a.png", "detector": "x"}',
     b'{"image": "a.png", "min_score": true}', b'{"image": "a.png", "min_score": NaN}', b"[" * 60_000, b" " * 70_000],
)  # fmt: skip
def test_hostile_requests_get_a_sentence(route, body):
    with pytest.raises(InvalidSettingError):
        asyncio.run(route.asked(body))


def test_what_is_no_picture_or_too_large_gets_a_sentence(route, tmp_path, monkeypatch):
    (tmp_path / "input" / "page.png").write_text("<html>")
    with pytest.raises(BadImageError, match="cannot be read"):
        ask(route, image="page.png")
    monkeypatch.setattr(route, "MOST_PIXELS", 10_000)
    with pytest.raises(BadImageError, match="200×100 pixels"):
        ask(route, image="a.png")


def test_a_picture_is_turned_as_the_camera_noted(route, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (200, 100)).save(tmp_path / "input" / "turned.jpg", exif=exif)
    answer = ask(route, image="turned.jpg", region="10 10 50 50")
    assert (answer["width"], answer["height"]) == (100, 200)


def test_answers_are_remembered_until_the_file_changes(route, tmp_path, monkeypatch):
    counted = []
    real = route.read_picture
    monkeypatch.setattr(route, "read_picture", lambda path: counted.append(path) or real(path))
    ask(route, image="a.png")
    ask(route, image="a.png")
    assert len(counted) == 1
    ask(route, image="a.png", region="1 1 50 50")
    assert len(counted) == 2
    Image.new("RGB", (300, 100)).save(tmp_path / "input" / "a.png")
    assert ask(route, image="a.png")["width"] == 300


def test_the_event_loop_goes_on_and_a_slow_look_ends_in_a_sentence(route, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(route, "find", lambda wanted: release.wait(20) and {})
    monkeypatch.setattr(route, "SECONDS", 0.2)

    async def both():
        asking = asyncio.create_task(route.asked(b'{"image": "a.png"}'))
        turns = 0
        while not asking.done():
            await asyncio.sleep(0.01)
            turns += 1
        return turns, asking.exception()

    try:
        turns, error = asyncio.run(both())
    finally:
        release.set()
    assert turns > 1
    assert "run once" in str(error)


def test_an_unforeseen_fault_is_a_sentence_too(route, monkeypatch):
    def fail(wanted):
        raise ZeroDivisionError

    monkeypatch.setattr(route, "find", fail)
    with pytest.raises(BadImageError, match="ZeroDivisionError"):
        ask(route, image="a.png")


def test_routes_are_added_once_and_never_break_loading(route, monkeypatch):
    import sys

    added = []

    class Routes(list):
        def post(self, path):
            return lambda act: self.append(SimpleNamespace(path=path)) or added.append(path)

        get = post

    instance = SimpleNamespace(routes=Routes())
    server = SimpleNamespace(PromptServer=SimpleNamespace(instance=instance))
    monkeypatch.setitem(sys.modules, "server", server)
    route.add_routes()
    route.add_routes()
    assert added == [route.PLACE, route.COLOURS]
    monkeypatch.setattr(instance, "routes", None)
    route.add_routes()


def test_a_request_over_http_is_answered(route):
    async def read(_):
        return b'{"image": "gone.png"}'

    request = SimpleNamespace(content=SimpleNamespace(read=read))
    refused = asyncio.run(route._answer_faces(request))
    assert refused.status == 400
    assert "gone.png" in json.loads(refused.text)["error"]
    colours = json.loads(asyncio.run(route._answer_colours(None)).text)
    assert len(set(colours)) == route.MOST_COLOURS
