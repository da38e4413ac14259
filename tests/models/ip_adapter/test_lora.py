import pytest
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.ip_adapter.layers import SD15, SDXL
from likeness.models.ip_adapter.lora import is_same, read_lora, stems
from likeness.tests.models.ip_adapter.small_files import CHANNELS, RANK, WIDTH, layers, lora_file, number_of_layers


def widths(base):
    return dict.fromkeys(range(1, number_of_layers(base), 2), CHANNELS)


def read(file, base="sd15", **changed):
    return read_lora(file, **{"widths": widths(base), "context_dim": WIDTH, "dtype": None, **changed})


def test_names_of_the_published_files():
    small, large = stems(SD15), stems(SDXL)
    assert small["lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"] == "0.to_q_lora"
    assert small["lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_attn2_to_out_0"] == "29.to_out_lora"
    assert small["lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_v"] == "31.to_v_lora"
    assert large["lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"] == "0.to_q_lora"
    assert large["lora_unet_up_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k"] == "48.to_k_lora"
    assert large["lora_unet_mid_block_attentions_0_transformer_blocks_9_attn2_to_k"] == "139.to_k_lora"
    assert (len(small), len(large)) == (4 * 32, 4 * 140)


@pytest.mark.parametrize("base", ["sd15", "sdxl"])
def test_the_matrices_come_to_the_layers_that_they_have_inside_an_adapter(base):
    inside = layers(base, lora=True)

    pairs = read(lora_file(base, inside=inside), base)

    assert sorted(pairs) == list(range(number_of_layers(base)))
    for index, parts in pairs.items():
        assert set(parts) == {"q", "k", "v", "out"}
        for part, halves in parts.items():
            for half, tensor in zip(("down", "up"), halves, strict=True):
                assert torch.equal(tensor, inside[f"{index}.to_{part}_lora.{half}.weight"])


def test_alpha_counts_in_proportion_to_the_rank():
    plain, scaled = read(lora_file()), read(lora_file(alpha=3))
    for part in ("q", "out"):
        assert torch.equal(scaled[3][part][0], plain[3][part][0])
        torch.testing.assert_close(scaled[3][part][1], plain[3][part][1] * 3 / RANK)
    same = read(lora_file(alpha=RANK))
    assert torch.equal(same[3]["q"][1], plain[3]["q"][1])


def test_types():
    half = {key: tensor.half() for key, tensor in lora_file(alpha=1).items()}
    assert {tensor.dtype for tensor in read(half)[5]["v"]} == {torch.float16}
    assert {tensor.dtype for tensor in read(half, dtype=torch.float32)[5]["v"]} == {torch.float32}


def test_the_same_lora_is_told_from_another():
    one, other = layers("sd15", lora=True), layers("sd15", lora=True, seed=9)
    found = read(lora_file(inside=one))
    assert is_same(found, read({key: tensor.double() for key, tensor in lora_file(inside=one, alpha=5).items()}))
    assert not is_same(found, read(lora_file(inside=other)))


def test_a_lora_for_another_base_model_is_refused():
    with pytest.raises(UnknownCheckpointError, match=r"a LoRA for SDXL, and the adapter is one for SD1\.5"):
        read(lora_file("sdxl"), "sd15")
    with pytest.raises(UnknownCheckpointError, match=r"a LoRA for SD1\.5, and the adapter is one for SDXL"):
        read(lora_file("sd15"), "sdxl")
    with pytest.raises(UnknownCheckpointError, match="one for another UNet"):
        read(lora_file("sd15"), widths={1: CHANNELS, 3: CHANNELS})


def test_layers_of_other_widths_are_refused():
    with pytest.raises(UnknownCheckpointError, match=r"of another shape .*1\.to_k_lora\.down"):
        read(lora_file(), context_dim=WIDTH + 1)
    with pytest.raises(UnknownCheckpointError, match=r"beside this adapter .*lora_unet_3\.to_q_lora\.up\.weight"):
        read(lora_file(), widths=widths("sd15") | {3: CHANNELS + 1})


def test_faulty_files_are_refused():
    file = lora_file()
    lost = next(key for key in file if key.endswith("attn2_to_v.lora_up.weight"))
    with pytest.raises(UnknownCheckpointError, match=r"missing \(lora_unet\.1\.to_v_lora\.up\.weight\)"):
        read({key: file[key] for key in file if key != lost})
    strange = file | {
        "lora_unet_down_blocks_7_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight": file[lost]
    }
    with pytest.raises(UnknownCheckpointError, match="it changes lora_unet_down_blocks_7"):
        read(strange)
    with pytest.raises(UnknownCheckpointError, match="is not a LoRA file of IP-Adapter FaceID"):
        read({"a": torch.zeros(1)})
