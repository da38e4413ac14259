import pytest
import torch
from likeness.models.adapters.id_projection import FacesProjection
from likeness.models.adapters.resampler import LearnedResampler, ResamplerSizes
from likeness.models.errors import UnknownCheckpointError
from likeness.models.uniportrait.checkpoint import detect, load, load_backbone
from likeness.models.weights.state_dict import flatten
from likeness.tests.models.uniportrait.conftest import SIZES
from safetensors.torch import save_file


def load_small(faceid, router=None, **options):
    return load(faceid, router, dim_head=8, **options)


def key_weight(adapter):
    return adapter.face_attention.state_dict()["1.to_k.weight"]


def save(tmp_path, form: str, name: str, content):
    path = tmp_path / name
    if form == "safetensors":
        save_file({key: tensor.contiguous() for key, tensor in flatten(content).items()}, path)
    else:
        torch.save(content, path)
    return path


@pytest.mark.parametrize("form", ["pickle", "safetensors"])
def test_files_of_any_name_equal_their_dicts(tmp_path, form, faceid_file, router_file, image_prompt_file):
    files = {
        "x.bin": faceid_file,
        "y.anything": router_file,
        "z.pt": image_prompt_file,
    }
    faceid, router, prompt = (save(tmp_path, form, name, content) for name, content in files.items())

    from_files = load_small(faceid, router, image_prompt=prompt)
    from_dicts = load_small(faceid_file, router_file, image_prompt=image_prompt_file)

    for part in ("id_embedding", "face_attention", "routers"):
        mine, theirs = getattr(from_files, part).state_dict(), getattr(from_dicts, part).state_dict()
        assert mine.keys() == theirs.keys()
        assert mine
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    assert from_files.image_prompt is not None


def test_sizes_come_from_the_tensors(faceid_file, router_file):
    adapter = load_small(faceid_file, router_file)

    assert adapter.widths == {1: 8, 3: 16}
    assert (adapter.context_dim, adapter.num_tokens) == (12, 4)
    assert list(adapter.face_attention) == list(adapter.routers) == ["1", "3"]
    assert adapter.image_prompt is None


def test_head_width_is_the_published_one_where_it_fits(faceid_file):
    def heads(adapter):
        return adapter.id_embedding.get_submodule("layers.0.0").heads

    assert heads(load(faceid_file)) == 1  # 16 wide: one head of gcd(16, 64)
    assert heads(load_small(faceid_file)) == 2


def test_the_two_lora_sets_stay_apart(faceid_file, router_file):
    adapter = load_small(faceid_file, router_file)

    assert adapter.multi_lora is not None
    assert sorted(adapter.single_lora) == sorted(adapter.multi_lora) == [0, 1, 2, 3]
    for lora, file in ((adapter.single_lora, faceid_file), (adapter.multi_lora, router_file)):
        down, up = lora[1]["out"]
        assert torch.equal(down, file["faceid_adapter"]["1.to_out_lora.down.weight"])
        assert torch.equal(up, file["faceid_adapter"]["1.to_out_lora.up.weight"])


def test_without_a_router_file_nothing_of_it_is_there(faceid_file):
    adapter = load_small(faceid_file)

    assert adapter.multi_lora is None
    assert len(adapter.routers) == 0


def test_router_keys_that_are_neither_lora_nor_router_are_dropped(faceid_file, router_file):
    router_file["faceid_adapter"]["1.to_k_faceid.weight"] = torch.zeros(8, 12)

    adapter = load_small(faceid_file, router_file)

    assert torch.equal(key_weight(adapter), faceid_file["faceid_adapter"]["1.to_k_faceid.weight"])


def test_half_precision_files_keep_their_type_where_the_unet_uses_them(faceid_file, router_file):
    half = {part: {key: tensor.half() for key, tensor in file.items()} for part, file in faceid_file.items()}

    kept, cast = load_small(half, router_file), load_small(half, router_file, dtype=torch.float32)

    assert kept.id_embedding.latents.dtype == torch.float32
    assert key_weight(kept).dtype == torch.float16
    assert key_weight(cast).dtype == cast.single_lora[0]["q"][0].dtype == torch.float32


def test_kinds(faceid_file, router_file, image_prompt_file, backbone_file):
    files = (faceid_file, router_file, image_prompt_file, backbone_file, flatten(faceid_file), {"a": torch.zeros(1)})

    assert [detect(file) for file in files] == ["faceid", "router", "image prompt", "backbone", "faceid", None]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("router_file", 'a UniPortrait router file, which belongs in "router"'),
        ("backbone_file", 'a face backbone, which belongs in "backbone"'),
        ("image_prompt_file", 'a plain IP-Adapter file, which belongs in "image_prompt"'),
    ],
)
def test_a_swapped_file_is_told_what_it_is(tmp_path, request, given, says):
    path = save(tmp_path, "pickle", "swapped.bin", request.getfixturevalue(given))

    with pytest.raises(UnknownCheckpointError) as caught:
        load_small(path)

    assert '"swapped.bin" is not a UniPortrait faceid file' in str(caught.value)
    assert says in str(caught.value)
    assert 'in "faceid"' in str(caught.value)


def test_an_image_prompt_may_have_the_names_of_a_training_checkpoint(faceid_file, image_prompt_file):
    trained = {
        "image_proj_model": image_prompt_file["image_proj"],
        "adapter_modules": image_prompt_file["ip_adapter"],
        "unet": {"conv_in.weight": torch.zeros(1)},
    }
    published, same = (load_small(faceid_file, image_prompt=file).image_prompt for file in (image_prompt_file, trained))
    for part in ("projection", "attention"):
        mine, theirs = getattr(published, part).state_dict(), getattr(same, part).state_dict()
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_faceid_given_as_router_and_as_backbone(faceid_file):
    with pytest.raises(UnknownCheckpointError, match="looks like a UniPortrait faceid file"):
        load_small(faceid_file, faceid_file)
    with pytest.raises(UnknownCheckpointError, match='Choose a face backbone in "backbone"'):
        load_backbone(faceid_file)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (["model.diffusion_model.input_blocks.0.0.weight"], "a Stable Diffusion checkpoint"),
        (["image_proj.latents", "ip_adapter.1.to_k_ip.weight"], "an IP-Adapter Plus file"),
        (["vision_model.embeddings.class_embedding"], "a CLIP vision model"),
        (["a.b.c"], "no adapter known here"),
    ],
)
def test_foreign_files_are_described(keys, says):
    with pytest.raises(UnknownCheckpointError, match=says):
        load_small({key: torch.zeros(1) for key in keys})


def resampler(clip_width=10):
    sizes = ResamplerSizes(features=clip_width, dim=16, inner=16, dim_head=8, hidden=64, depth=2, output=SIZES.output)
    return {"image_proj": LearnedResampler(sizes, 16).state_dict()}


def test_an_image_prompt_may_be_of_the_plus_kind(faceid_file, image_prompt_file):
    adapter = load_small(faceid_file, image_prompt=image_prompt_file | resampler()).image_prompt
    assert adapter.recognised.version == "Plus"
    assert adapter.projection(torch.zeros(1, 257, 10)).shape == (1, 16, SIZES.output)


def test_an_image_prompt_of_faces_is_refused(faceid_file, image_prompt_file):
    projection = {"image_proj": FacesProjection(512, 12, 4, SIZES.output).state_dict()}
    with pytest.raises(UnknownCheckpointError, match=r"\(FaceID\) reads faces: choose a plain or Plus file"):
        load_small(faceid_file, image_prompt=image_prompt_file | projection)


def test_an_image_prompt_of_another_base_model_is_refused(faceid_file, image_prompt_file):
    layers = {key: torch.cat([tensor, tensor]) for key, tensor in image_prompt_file["ip_adapter"].items()}
    with pytest.raises(UnknownCheckpointError, match=r'choose one for SD1\.5 in "image_prompt"'):
        load_small(faceid_file, image_prompt=image_prompt_file | {"ip_adapter": layers})


def test_missing_keys_of_every_part_are_named(faceid_file, router_file, image_prompt_file):
    def without(file, part, key):
        return file | {part: {name: tensor for name, tensor in file[part].items() if name != key}}

    for part, key in (
        ("faceid_proj", "layers.1.0.norm1.bias"),
        ("faceid_adapter", "1.to_v_faceid.weight"),
        ("faceid_adapter", "2.to_q_lora.up.weight"),
    ):
        with pytest.raises(UnknownCheckpointError, match="missing"):
            load_small(without(faceid_file, part, key))
    with pytest.raises(UnknownCheckpointError, match=r"to_q_router\.0\.bias"):
        load_small(faceid_file, without(router_file, "faceid_adapter", "3.to_q_router.0.bias"))
    with pytest.raises(UnknownCheckpointError, match="missing"):
        load_small(faceid_file, image_prompt=without(image_prompt_file, "ip_adapter", "3.to_k_ip.weight"))


def test_a_router_of_another_model_is_refused(faceid_file, router_file):
    layers = router_file["faceid_adapter"]
    wide = {"5." + key[2:] if key.startswith("3.") else key: tensor for key, tensor in layers.items()}
    with pytest.raises(UnknownCheckpointError, match=r"faceid_adapter\.3\.to_q_router.*faceid_adapter\.5\.to_q_router"):
        load_small(faceid_file, {"faceid_adapter": wide})

    swapped = {
        key: layers[("1" if key[0] == "3" else "3") + key[1:]] if "router" in key else t for key, t in layers.items()
    }
    with pytest.raises(UnknownCheckpointError, match="of another shape"):
        load_small(faceid_file, {"faceid_adapter": swapped})


@torch.no_grad()
def test_backbone_round_trip(tmp_path, backbone_file):
    picture = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))

    from_file = load_backbone(save(tmp_path, "safetensors", "b.safetensors", backbone_file))

    for mine, theirs in zip(from_file(picture), load_backbone(backbone_file)(picture), strict=True):
        assert torch.equal(mine, theirs)
