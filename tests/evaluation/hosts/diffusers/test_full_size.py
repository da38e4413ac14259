"""Pictures of full-size networks with random weights in the published layouts, from a real photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.evaluation.built_in import KIT
from likeness.evaluation.protocol.file import read_protocol
from likeness.evaluation.running.plan import plan
from likeness.tests.models.face.photographs import astronaut
from likeness.tools.weights import write
from PIL import Image

METHODS = {
    "none": ((), ""),
    "uniportrait": (
        (write.FACEID, write.ROUTER, write.BACKBONE, write.CLIP_VISION),
        f'adapter = "{write.FACEID.path}"\nrouter = "{write.ROUTER.path}"\nbackbone = "{write.BACKBONE.path}"\n'
        f'image_encoder = "{write.CLIP_VISION.path}"\n',
    ),
    "ip_adapter": (
        (write.IP_ADAPTER, write.CLIP_VISION),
        f'adapter = "{write.IP_ADAPTER.path}"\nimage_encoder = "{write.CLIP_VISION.path}"\n',
    ),
}


def draw(folder, method):
    files, keys = METHODS[method]
    for path, target in write.make_all((write.CHECKPOINT, *files)).items():
        (folder / "models" / path).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / "models" / path).exists():
            (folder / "models" / path).symlink_to(target)
    protocol = folder / f"{method}.toml"
    protocol.write_text(
        '[protocol]\nname = "p"\noutput = "run"\n[people]\nfolder = "people"\n[prompts]\ntexts = ["a {1} in the rain"]\n'
        '[pictures]\nwidth = 256\nheight = 256\nsteps = 2\n[models]\nfolder = "models"\n'
        f'[drawing]\nhost = "diffusers"\nmethod = "{method}"\ncheckpoint = "{write.CHECKPOINT.path}"\ndevice = "cpu"\n{keys}'
        '[[metric]]\nkind = "face_similarity"\nrecogniser = "dlib"\ndetector = "mtcnn"\n',
        encoding="utf-8",
    )
    read = read_protocol(protocol, KIT)
    drawer = KIT.hosts["diffusers"].make(read.drawing.config, KIT.networks)
    return drawer.draw(plan(read)[0], read.pictures)


@pytest.mark.long
def test_a_real_photo_brings_somebody_into_a_picture_of_full_size(tmp_path):
    (tmp_path / "people" / "eileen").mkdir(parents=True)
    Image.fromarray(astronaut()).save(tmp_path / "people" / "eileen" / "photo.png")
    drawn = {method: draw(tmp_path, method) for method in METHODS}
    for method, picture in drawn.items():
        assert (picture.shape, picture.dtype) == ((256, 256, 3), np.uint8), method
        assert picture.std() > 1, method  # not one colour, as NaN would be
    for method in ("uniportrait", "ip_adapter"):
        assert not np.array_equal(drawn[method], drawn["none"]), method
    assert torch.get_default_dtype() == torch.float32
