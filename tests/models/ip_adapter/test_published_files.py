"""Every published file by its keys and shapes, without values: recognised, whole, and for the right encoder."""

import json
import os
from itertools import chain
from pathlib import Path

import pytest
import torch
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.kinds import VERSIONS
from likeness.models.ip_adapter.layers import CONTEXTS, FAMILIES
from likeness.models.ip_adapter.lora import stems
from likeness.models.weights.state_dict import flatten
from likeness.tests.models.ip_adapter.test_layers import PUBLISHED
from likeness.tests.parity.folder import VARIABLE

HERE = Path(__file__).parent
# Names, networks, types and shapes; from the published classes, and confirmed by the sizes of the published files.
STORED = json.loads((HERE / "published_files.json").read_text(encoding="utf-8"))
FILES = {file["name"]: file for file in STORED["files"]}
CONTEXT = {family: width for width, family in CONTEXTS.items()}
RANK = 128
EXPECTED = {  # what the name says, longest first
    "faceid-portrait_sdxl_unnorm": "FaceID Portrait unnorm",
    "faceid-portrait": "FaceID Portrait",
    "faceid-plusv2": "FaceID PlusV2",
    "faceid-plus": "FaceID Plus",
    "faceid": "FaceID",
    "full-face": "Full Face",
    "plus-face": "Plus Face",
    "plus": "Plus",
    "": "plain",
}


def layer_shapes(layers):
    """Keys and shapes of an `ip_adapter` group such as "ip_lora128_sdxl"."""
    family = "SDXL" if layers.endswith("sdxl") else "SD1.5"
    found = {}
    for place, row in enumerate(PUBLISHED[family]):
        channels = row["channels"]
        for index, read in ((2 * place, channels), (2 * place + 1, CONTEXT[family])):
            if "lora" in layers:
                for part, inputs in (("q", channels), ("k", read), ("v", read), ("out", channels)):
                    found[f"{index}.to_{part}_lora.down.weight"] = [RANK, inputs]
                    found[f"{index}.to_{part}_lora.up.weight"] = [channels, RANK]
        found |= {f"{2 * place + 1}.to_{part}_ip.weight": [channels, CONTEXT[family]] for part in "kv"}
    return found


def lora_shapes(family):
    """Keys and shapes of a separate LoRA file; that of SDXL has an alpha for each pair."""
    inside = layer_shapes("ip_lora128_" + {"SD1.5": "sd15", "SDXL": "sdxl"}[family])
    found = {}
    for theirs, ours in stems(FAMILIES[family]).items():
        found |= {f"{theirs}.lora_{half}.weight": inside[f"{ours}.{half}.weight"] for half in ("down", "up")}
        found |= {f"{theirs}.alpha": []} if family == "SDXL" else {}
    return found


def empty(shapes, dtype=torch.float16):
    return {key: torch.empty(shape, dtype=dtype, device="meta") for key, shape in shapes.items()}


def published(name):
    file = FILES[name]
    dtype = torch.float32 if file["float32"] else torch.float16
    return {
        "image_proj": empty(STORED["image_proj"][file["image_proj"]], dtype),
        "ip_adapter": empty(layer_shapes(file["layers"])),
    }


@pytest.fixture
def load_named(monkeypatch, tmp_path):
    """Loads what a file of a name holds; the file itself is empty."""

    def load_named(name, **options):
        path = tmp_path / f"{name}.bin"
        monkeypatch.setattr("likeness.models.weights.reading.read_state_dict", lambda path: published(name))
        return load(path, **options)

    return load_named


@pytest.mark.parametrize("name", FILES)
def test_a_published_file(name, load_named):
    file = FILES[name]
    adapter = load_named(name)

    assert adapter.recognised.version == next(version for part, version in EXPECTED.items() if part in name)
    assert (adapter.tokens, adapter.encoder) == (file["tokens"], file["encoder"])
    assert (adapter.context_dim, len(adapter.widths)) == ((2048, 70) if "sdxl" in name else (768, 16))
    assert adapter.widths == {
        2 * place + 1: row["channels"] for place, row in enumerate(PUBLISHED[CONTEXTS[adapter.context_dim]])
    }
    assert (adapter.lora is not None) == ("lora" in file["layers"])
    assert not adapter.lacks_lora
    assert adapter.face_width == (512 if "faceid" in name else None)
    assert {tensor.dtype for tensor in adapter.attention.state_dict().values()} == {torch.float16}
    assert {tensor.dtype for tensor in adapter.projection.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("name", [name for name, file in FILES.items() if "lora" in file["layers"]])
def test_a_published_lora_file(name, load_named, monkeypatch):
    family = "SDXL" if name.endswith("sdxl") else "SD1.5"
    lora = empty(lora_shapes(family))
    lora |= {key: torch.tensor(64) for key in lora if key.endswith(".alpha")}
    monkeypatch.setitem(FILES[name], "layers", FILES[name]["layers"].replace("lora128_", ""))

    adapter = load_named(name, lora=lora)

    assert load_named(name).lacks_lora
    assert not adapter.lacks_lora
    assert sorted(adapter.lora) == list(range(2 * len(adapter.widths)))


def test_all_versions_were_published():
    assert set(EXPECTED.values()) == set(VERSIONS)


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} names no folder with the full tables")
def test_the_tables_here_are_the_full_ones():
    folder = Path(os.environ[VARIABLE]) / "ipadapter"

    def read(name):
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

    files = read("manifest_files")
    assert files["image_proj"] == STORED["image_proj"]
    assert [file["name"] for file in files["files"]] == list(FILES)
    for layers, manifest in files["ip_adapter"].items():
        assert layer_shapes(layers) == read(manifest.removesuffix(".json"))
    for family, base in (("SD1.5", "sd15"), ("SDXL", "sdxl")):
        assert lora_shapes(family) == read(f"manifest_lora_{base}")
        index = read(f"index_{base}")
        assert [
            (row["index"], row["diffusers"], (*row["comfy_block"], row["block_index"]), row["hidden"]) for row in index
        ] == list(
            chain.from_iterable(
                (
                    (2 * place + offset, f"{row['path']}.{layer}", tuple(row["block"]), row["channels"])
                    for offset, layer in enumerate(("attn1", "attn2"))
                )
                for place, row in enumerate(PUBLISHED[family])
            )
        )
        assert [row["comfy_transformer_index"] for row in index[::2]] == [row["order"] for row in PUBLISHED[family]]


def test_flat_files_are_as_good(load_named):
    assert load(flatten(published("ip-adapter_sd15"))).encoder == "ViT-H"
