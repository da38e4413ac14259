"""Pictures on diffusers: the same for the same protocol, with the person that was asked for, whatever the family."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.evaluation.hosts.diffusers.config import DiffusersConfig
from likeness.evaluation.hosts.diffusers.drawer import DiffusersDrawer
from likeness.evaluation.metrics.networks import Networks
from likeness.models.errors import IncompatibleBaseModelError, NoFaceFoundError
from likeness.tests.evaluation.hosts.diffusers.small_models import METHODS, Drawn, write_protocol
from PIL import Image

WITH_PEOPLE = [method for method in METHODS if method != "none"]
ADA, BEN = 0, 2  # places in the plan: two seeds of each


def differ(one, other) -> bool:
    """Whether two pictures differ by more than rounding."""
    return np.abs(one.astype(int) - other.astype(int)).max() > 2


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_is_the_same_when_it_is_drawn_again(tmp_path, models, method):
    path = write_protocol(tmp_path, models, method)
    first = Drawn(path)
    picture = first()
    assert (picture.shape, picture.dtype) == ((96, 64, 3), np.uint8)
    assert not np.array_equal(picture, first(1))  # another seed
    assert np.array_equal(picture, first())
    assert np.array_equal(picture, Drawn(path)())


@pytest.mark.parametrize("method", WITH_PEOPLE)
def test_people_are_in_it_each_their_own(tmp_path, models, method):
    drawn = Drawn(write_protocol(tmp_path, models, method))
    nobody = Drawn(write_protocol(tmp_path, models, "none"))
    ada, ben = drawn(ADA), drawn(BEN)
    assert differ(ada, ben)
    assert differ(ada, nobody(ADA))
    assert np.array_equal(nobody(ADA), nobody(BEN))


@pytest.mark.parametrize("method", WITH_PEOPLE)
def test_strength_counts(tmp_path, models, method):
    strong, weak = (Drawn(write_protocol(tmp_path, models, method, strength=each)) for each in (1.5, 0.2))
    assert differ(strong(), weak())


@pytest.mark.parametrize("method", METHODS)
def test_sdxl_draws_too(tmp_path, sdxl_models, method):
    if method == "uniportrait":
        pytest.skip("published for SD1.5 alone")
    drawn = Drawn(write_protocol(tmp_path, sdxl_models, method))
    assert np.array_equal(drawn(), drawn())
    assert differ(drawn(ADA), drawn(BEN)) == (method != "none")


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_draws_nearly_the_same(tmp_path, models, method):
    half, whole = (Drawn(write_protocol(tmp_path, models, method, dtype=dtype))() for dtype in ("float16", "float32"))
    assert np.abs(half.astype(int) - whole).mean() < 2
    assert not np.array_equal(half, whole)


def test_several_people_are_placed_by_uniportraits_router(tmp_path, models):
    both = Drawn(write_protocol(tmp_path, models, "uniportrait", together=2))
    assert len(both.plan) == 2
    alone = Drawn(write_protocol(tmp_path, models, "uniportrait"))
    assert differ(both(), alone())


@pytest.mark.parametrize("settings", [{"sampler": "dpmpp_2m"}, {"spacing": "trailing"}])
def test_samplers_and_their_steps(tmp_path, models, settings):
    drawn = Drawn(write_protocol(tmp_path, models, "none", **settings))
    assert np.array_equal(drawn(), drawn())
    assert differ(drawn(), Drawn(write_protocol(tmp_path, models, "none"))())


def test_eulers_method_is_ddim_in_other_coordinates(tmp_path, models):
    euler, ddim = (
        Drawn(write_protocol(tmp_path, models, "uniportrait", sampler=sampler, spacing="trailing"))()
        for sampler in ("euler", "ddim")
    )
    assert not differ(euler, ddim)


def test_without_guidance_the_negative_side_is_not_asked(tmp_path, models):
    path = write_protocol(tmp_path, models, "uniportrait", name="one.toml")
    text = path.read_text().replace("guidance = 3.0", "guidance = 1")
    path.write_text(text)
    other = tmp_path / "other.toml"
    other.write_text(text.replace("guidance = 1", 'guidance = 1\nnegative = "blue"'))
    assert np.array_equal(Drawn(path)(), Drawn(other)())
    guided = tmp_path / "guided.toml"
    guided.write_text(text.replace("guidance = 1", "guidance = 3.0"))
    more = tmp_path / "more.toml"
    more.write_text(text.replace("guidance = 1", 'guidance = 3.0\nnegative = "blue"'))
    assert differ(Drawn(guided)(), Drawn(more)())


def test_the_key_names_settings_and_files(tmp_path, models):
    def key(method="uniportrait", **settings):
        return Drawn(write_protocol(tmp_path, models, method, **settings)).drawer.key

    copied = tmp_path / "copy.bin"
    copied.write_bytes((models / "router.bin").read_bytes())
    keys = [
        key(),
        key("none"),
        key(strength=1.0),
        key(router=None),
        key(sampler="euler"),
        key(photos=2),
        key(dtype="float16"),
    ]
    assert len(set(keys)) == len(keys)
    assert key(router=str(copied)) == key()  # the same content elsewhere


def test_an_adapter_of_another_architecture_is_one_sentence(tmp_path, models, sdxl_models):
    drawn = Drawn(write_protocol(tmp_path, models, "ip_adapter", adapter=str(sdxl_models / "faceid.bin")))
    with pytest.raises(IncompatibleBaseModelError, match=r"faceid\.bin fits a UNet with 17 .* this one has 16"):
        drawn()


def test_a_photo_without_a_face_is_one_sentence(tmp_path, models):
    path = write_protocol(tmp_path, models, "ip_adapter")
    Image.new("RGB", (64, 64)).save(tmp_path / "people" / "ada" / "photo.png")
    with pytest.raises(NoFaceFoundError, match="No face was found"):
        Drawn(path)()


def test_nothing_is_read_before_something_is_drawn(tmp_path):
    (tmp_path / "base").write_bytes(bytes(range(256)))
    drawer = DiffusersDrawer(DiffusersConfig(checkpoint=tmp_path / "base"), Networks())
    assert "checkpoint=" in drawer.key
