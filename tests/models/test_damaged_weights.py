"""Numbers, layouts and values that a file has no right to, at every loader: one sentence, in no time and no memory."""

from __future__ import annotations

import json
import resource

import pytest
import torch
from likeness.models.clip.prior import EmbeddingPrior
from likeness.models.clip.prior_file import load as load_prior
from likeness.models.consistentid.checkpoint import load as load_consistentid
from likeness.models.errors import LikenessError, UnknownCheckpointError
from likeness.models.face.iresnet import IResNet
from likeness.models.facestudio.checkpoint import load as load_facestudio
from likeness.models.ip_adapter.checkpoint import load as load_ip_adapter
from likeness.models.miniature.files import (
    BASE,
    CONSISTENTID,
    FACES,
    FACESTUDIO,
    IP_ADAPTER,
    OMNIPORTRAIT,
    PRIOR,
    UNIPORTRAIT,
    read_base_file,
    read_face_networks,
    read_uniportrait,
)
from likeness.models.miniature.sizes import BaseSizes
from likeness.models.omniportrait.checkpoint import load as load_omniportrait
from likeness.models.similarity.dino import DINO
from likeness.models.uniportrait.checkpoint import load as load_uniportrait
from likeness.models.weights.reading import read_metadata, read_state_dict
from safetensors.torch import save_file

LOADERS = {
    "base": (BASE, read_base_file),
    "faces": (FACES, read_face_networks),
    "uniportrait": (UNIPORTRAIT, read_uniportrait),
    "consistentid": (CONSISTENTID, load_consistentid),
    "omniportrait": (OMNIPORTRAIT, load_omniportrait),
    "ip-adapter": (IP_ADAPTER, load_ip_adapter),
    "facestudio": (FACESTUDIO, load_facestudio),
    "prior": (PRIOR, load_prior),
}
SKIPPED = {"omniportrait": "open_clip"}


@pytest.fixture(params=LOADERS)
def shipped(request):
    """A file of the miniature, what reads it, its tensors and its notes."""
    if request.param in SKIPPED:
        pytest.importorskip(SKIPPED[request.param])
    path, load = LOADERS[request.param]
    return load, dict(read_state_dict(path)), read_metadata(path)


def refused(tmp_path, load, tensors, metadata):
    path = tmp_path / "changed.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, metadata)
    with pytest.raises(LikenessError) as error:
        load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def said_of(tmp_path, load, tensors, metadata):
    """What a loader says of a changed file; empty where it passes over the change."""
    path = tmp_path / "changed.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, metadata)
    try:
        load(path)
    except LikenessError as error:
        return str(error)
    return ""


def test_a_single_value_that_is_no_number(shipped, tmp_path):
    load, tensors, metadata = shipped
    for key in (min(tensors), max(tensors)):
        if not tensors[key].is_floating_point():
            continue
        broken = tensors[key].clone()
        broken.view(-1)[-1] = torch.nan
        assert f'holds NaN or infinity in "{key}"' in refused(tmp_path, load, {**tensors, key: broken}, metadata)


def test_numbers_that_no_conversion_keeps(shipped, tmp_path):
    load, tensors, metadata = shipped
    huge = {key: tensor.double() * 1e300 if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    if load in (read_base_file, read_uniportrait, load_consistentid, load_ip_adapter, load_facestudio):
        pytest.skip("its weights keep the file's type, or are converted where they are used")
    assert "too large for float32" in refused(tmp_path, load, huge, metadata)


def test_whole_numbers_in_place_of_weights(shipped, tmp_path):
    load, tensors, metadata = shipped
    if load is read_base_file:
        pytest.skip("it hands out weights for networks of a host")
    said = refused(tmp_path, load, {key: tensor.to(torch.int8) for key, tensor in tensors.items()}, metadata)
    assert "\n" not in said


@pytest.mark.parametrize("number", ["999999999", "9" * 5000, "x"])
def test_layers_out_of_all_proportion(shipped, tmp_path, number):
    load, tensors, metadata = shipped
    if load is read_base_file:
        pytest.skip("it hands out weights for networks of a host")
    numbered = [key for key in tensors if any(part.isdecimal() for part in key.split("."))]
    before, said = resource.getrusage(resource.RUSAGE_SELF), list[str]()
    for key in numbered[:: max(1, len(numbered) // 6)]:
        parts = key.split(".")
        place = next(at for at, part in enumerate(parts) if part.isdecimal())
        changed = ".".join([*parts[:place], number, *parts[place + 1 :]])
        said.append(said_of(tmp_path, load, {**tensors, changed: tensors[key].clone()}, metadata))
    assert any(said)
    assert not any("\n" in sentence for sentence in said)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_maxrss - before.ru_maxrss < 200_000  # KB


@pytest.mark.parametrize("value", [10**12, 0, -1, 1e308, "x", None, [], True])
def test_sizes_in_notes_out_of_all_proportion(shipped, tmp_path, value):
    load, tensors, metadata = shipped

    def spoiled(said):
        for name, old in said.items():
            if isinstance(old, dict):
                yield from ({**said, name: inner} for inner in spoiled(old))
            elif type(old) in (int, float) or (isinstance(old, list) and old):
                yield {**said, name: value}

    for note, text in metadata.items():
        said = json.loads(text) if text.startswith("{") else {}
        for changed in spoiled(said):
            assert "\n" not in said_of(tmp_path, load, tensors, {**metadata, note: json.dumps(changed)})


@pytest.mark.parametrize("text", ["[" * 100_000, "", "3", "[]", "null", '{"a": ' + "9" * 5000 + "}"])
def test_notes_that_say_nothing(shipped, tmp_path, text):
    load, tensors, metadata = shipped
    told = [note for note, said in metadata.items() if said.startswith("{")]
    said = [refused(tmp_path, load, tensors, {**metadata, note: text}) for note in told]
    assert all(sentence and "\n" not in sentence for sentence in said)


@pytest.mark.parametrize(
    ("build", "prefix"),
    [
        (IResNet.from_state_dict, "body."),
        (EmbeddingPrior.from_state_dict, "transformer_blocks."),
        (DINO.from_state_dict, "blocks."),
    ],
)
def test_a_network_of_endless_layers_is_not_begun(build, prefix):
    with pytest.raises(UnknownCheckpointError):
        build({f"{prefix}999999999.weight": torch.ones(1)})


def test_a_base_model_larger_than_its_file_is_not_built():
    sizes = BaseSizes()
    sizes.require_filled(unet=500_000, vae=500_000, text=100_000, name="It")
    with pytest.raises(UnknownCheckpointError, match="sizes of a VAE with more than"):
        sizes.require_filled(unet=500_000, vae=10, text=100_000, name="It")


def test_a_published_file_nested_too_deep_is_refused(tmp_path):
    deep: dict[str, object] = {"a": torch.ones(1)}
    for _ in range(50):
        deep = {"a": deep}
    torch.save(deep, tmp_path / "deep.bin")
    with pytest.raises(UnknownCheckpointError, match="nested more than 8 deep"):
        load_uniportrait(tmp_path / "deep.bin")
    itself: dict[str, object] = {}
    itself["a"] = itself
    with pytest.raises(UnknownCheckpointError, match="hold themselves"):
        load_uniportrait(itself)
    laughs: dict[str, object] = {"a": torch.ones(1)}
    for _ in range(7):
        laughs = {str(number): laughs for number in range(20)}
    with pytest.raises(UnknownCheckpointError, match="more than 200,000 entries"):
        load_uniportrait(laughs)
