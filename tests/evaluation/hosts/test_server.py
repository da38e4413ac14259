"""The client speaks with ComfyUI, and says in one sentence what went wrong."""

from __future__ import annotations

import io

import pytest
from likeness.evaluation.hosts.server import Server, ServerError
from PIL import Image

GRAPH = {"3": {"inputs": {"seed": 7}}, "6": {"inputs": {"text": "a man"}}}


def saying(text):
    return {**GRAPH, "6": {"inputs": {"text": text}}}


def test_a_photo_goes_up_whole(comfyui, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\r\n\x00--bytes\r\n")
    assert Server(comfyui.url, 5).upload(photo, "a.png") == "likeness_evaluation/a.png"
    assert comfyui.photos == {"likeness_evaluation/a.png": photo.read_bytes()}


def test_a_picture_comes_down(comfyui):
    found = Image.open(io.BytesIO(Server(comfyui.url + "/", 5).run(GRAPH, "9")))
    assert found.getpixel((0, 0)) == (7, 20, 30)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("refuse", r"refused \(400\): Prompt outputs failed validation; node 6: Value not in list \(ckpt_name\); mend"),
        ("fail", r"failed: KSampler \(node 3\): out of memory; mend the workflow"),
        ("nothing", r"Node 9 showed no picture; name a Save Image"),
    ],
)
def test_what_goes_wrong_is_one_sentence(comfyui, text, said):
    with pytest.raises(ServerError, match=said):
        Server(comfyui.url, 5).run(saying(text), "9")


def test_a_server_that_is_not_there_is_told(comfyui):
    comfyui.shutdown()
    comfyui.server_close()
    with pytest.raises(ServerError, match=r"does not answer \(.*\); start it, or set \[drawing\] url"):
        Server(comfyui.url, 5).run(GRAPH, "9")


def test_a_run_that_takes_too_long_is_told(comfyui):
    comfyui.never = True
    with pytest.raises(ServerError, match=r"did not finish a picture in 0\.05 s"):
        Server(comfyui.url, 0.05).run(GRAPH, "9")
