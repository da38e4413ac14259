"""CLIP vision models chosen by the width that an adapter needs."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import MissingModelFileError, UnknownCheckpointError
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy

H = 1280  # width of ViT-H/14


@pytest.fixture
def loads(monkeypatch):
    """Paths that ComfyUI was asked to load; what it gives for each is a new object."""
    import comfy.clip_vision

    class Vision:
        pass

    asked = []

    def load(path):
        asked.append(path.rpartition("/")[2])
        return None if "unknown" in path else Vision()

    monkeypatch.setattr(comfy.clip_vision, "load", load)
    return asked


@pytest.fixture
def find():
    from likeness.host.encoders.clip_vision_files import find_clip_vision

    return lambda choice, width=H: find_clip_vision(choice, width=width)


@pytest.fixture
def write(folders):
    def run(name, width, key="vision_model.embeddings.patch_embedding.weight"):
        path = folders / "clip_vision" / name
        path.parent.mkdir(exist_ok=True)
        save_file({key: torch.zeros(width, 3, 2, 2)}, path)

    return run


def test_auto_passes_over_models_of_another_width(write, find, loads):
    write("a.safetensors", 1024)
    write("b.safetensors", H)
    assert find("auto") is not None
    assert loads == ["b.safetensors"]
    assert find("auto", width=768) is None


def test_auto_reads_the_names_of_both_publishers(write, find, loads):
    write("open_clip.safetensors", H, key="visual.conv1.weight")
    assert find("auto") is not None


def test_auto_passes_over_what_is_no_clip_vision(write, find, loads):
    write("a.safetensors", H, key="cls_token")
    write("b.safetensors", H, key="vision_model.something.else")
    assert find("auto") is None
    assert loads == []


def test_a_named_file_is_loaded_whatever_its_width(write, find, loads):
    """That it is of another width is said by the adapter that needs it."""
    write("a.safetensors", 1024)
    assert find("a.safetensors") is not None


def test_a_named_file_that_is_something_else_or_missing_is_refused(write, find, loads):
    write("unknown.safetensors", H, key="lora_unet")
    with pytest.raises(UnknownCheckpointError, match=r'"unknown\.safetensors" is no CLIP vision model'):
        find("unknown.safetensors")
    with pytest.raises(MissingModelFileError, match=r"a\.safetensors"):
        find("a.safetensors")


def test_two_adapters_share_one_model(write, find, loads):
    write("a.safetensors", H)
    first = find("auto")
    assert find("a.safetensors") is first
    assert len(loads) == 1
