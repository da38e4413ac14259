"""Load Miniature: every output is what its socket says, and nothing is read before it is used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from likeness.models.miniature.files import BASE, CONSISTENTID, FACES, IP_ADAPTER, OMNIPORTRAIT, UNIPORTRAIT

pytestmark = [
    pytest.mark.comfy,
    pytest.mark.skipif(
        not all(path.is_file() for path in (BASE, FACES, UNIPORTRAIT, CONSISTENTID, OMNIPORTRAIT, IP_ADAPTER)),
        reason="the miniature is not trained yet",
    ),
]
ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
from comfy.cli_args import args
args.cpu, args.base_directory = True, sys.argv[2]
from likeness.nodes.miniature import LoadMiniature
pivot = LoadMiniature.execute().result[5]
assert "open_clip" not in sys.modules, "loading reads it already"
assert "diffusers" not in sys.modules
pivot.encoder.width
assert "open_clip" in sys.modules, "it is not needed at all"
"""


@pytest.fixture(scope="module")
def outputs():
    from likeness.nodes.miniature import LoadMiniature

    names = [each.display_name for each in LoadMiniature.define_schema().outputs]
    result = LoadMiniature.execute().result
    assert len(result) == len(names)
    return dict(zip(names, result, strict=True))


def test_it_has_no_widgets_to_get_wrong():
    from likeness.nodes.miniature import LoadMiniature

    assert LoadMiniature.define_schema().inputs == []


def test_every_output_is_what_its_socket_says(outputs):
    from comfy.clip_vision import ClipVisionModel
    from comfy.model_patcher import ModelPatcher
    from comfy.sd import CLIP, VAE
    from likeness.host.consistentid.adapter import LoadedConsistentID
    from likeness.host.encoders.parser import LoadedFaceParser
    from likeness.host.ip_adapter.adapter import LoadedIPAdapter
    from likeness.host.omniportrait.adapter import LoadedOmniPortrait
    from likeness.host.uniportrait.adapter import LoadedUniPortrait

    kinds = {
        "model": ModelPatcher, "clip": CLIP, "vae": VAE, "uniportrait": LoadedUniPortrait,
        "consistentid": LoadedConsistentID, "omniportrait": LoadedOmniPortrait, "face_parser": LoadedFaceParser,
        "clip_vision": ClipVisionModel, "portrait_1": torch.Tensor, "portrait_2": torch.Tensor,
        "ip_adapter": LoadedIPAdapter,
    }  # fmt: skip
    assert {name: isinstance(outputs[name], kind) for name, kind in kinds.items()} == dict.fromkeys(kinds, True)


def test_the_detector_finds_one_face_in_each_portrait(outputs):
    from likeness.models.images.layout import arrays_from_images

    for name in ("portrait_1", "portrait_2"):
        assert outputs[name].shape[-1] == 3
        assert 0 <= outputs[name].min() < outputs[name].max() <= 1
        assert [len(found) for found in outputs["face_detector"].find(arrays_from_images(outputs[name]))] == [1]
    assert not torch.equal(outputs["portrait_1"], outputs["portrait_2"])


def test_open_clip_is_read_when_the_pivot_is_first_used(comfy_folder, tmp_path):
    pytest.importorskip("open_clip")
    command = [sys.executable, "-c", ALONE, str(comfy_folder.path), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ), cwd=tmp_path)
    assert run.returncode == 0, run.stderr[-3000:]
