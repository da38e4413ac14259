"""Model folders: which files are told of, and which published ones they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from likeness.models.doctor import looking
from likeness.models.doctor.looking import folders_below, look
from likeness.models.uniportrait.needs import FACEID
from likeness.tests.models.doctor.small_models import backbone, checkpoint, clip_vision, faceid, put, weights
from likeness.tests.models.face import synthetic_detectors


def seen(models):
    """From folder and name to what was found."""
    return {f"{file.folder}/{file.name}": file for file in look(folders_below(models))}


def test_files_are_found_at_any_depth_and_under_any_name(tmp_path):
    put(tmp_path, "uniportrait/some/where/x.bin", faceid())
    put(tmp_path, "clip_vision/model.safetensors", clip_vision(1280))
    path = tmp_path / "insightface" / "models" / "buffalo_l" / "w600k_r50.onnx"
    path.parent.mkdir(parents=True)
    synthetic_detectors.arcface(path)
    found = seen(tmp_path)
    assert set(found) == {
        "uniportrait/some/where/x.bin",
        "clip_vision/model.safetensors",
        "insightface/models/buffalo_l/w600k_r50.onnx",
    }
    assert found["uniportrait/some/where/x.bin"].seen.kind == "faceid"
    assert found["insightface/models/buffalo_l/w600k_r50.onnx"].known is not None


def test_a_published_file_is_known_by_its_name_and_told_apart_by_its_size(tmp_path):
    put(tmp_path, f"uniportrait/{FACEID.name}", faceid())
    [file] = look(folders_below(tmp_path))
    assert file.known == FACEID
    assert not file.differs
    longer = replace(file, known=replace(FACEID, bytes=file.bytes + 1))
    assert longer.differs


def test_a_renamed_file_is_known_by_kind_and_exact_size(tmp_path, monkeypatch):
    path = put(tmp_path, "uniportrait/x.bin", faceid())
    [file] = look(folders_below(tmp_path))
    assert file.known is None
    sized = replace(FACEID, bytes=path.stat().st_size)
    needs = looking.all_needs()
    wants = tuple(replace(want, published=(sized,)) if FACEID in want.published else want for want in needs[0].wants)
    monkeypatch.setattr(looking, "all_needs", lambda: (replace(needs[0], wants=wants),))
    [file] = look(folders_below(tmp_path))
    assert file.known == sized


def test_a_file_of_another_kind_is_not_the_published_one_whose_name_it_bears(tmp_path):
    put(tmp_path, f"uniportrait/{FACEID.name}", backbone())
    [file] = look(folders_below(tmp_path))
    assert file.seen.kind == "backbone"
    assert file.known is None


def test_other_packs_business_is_passed_over_and_damage_is_not(tmp_path):
    put(tmp_path, "loras/style.safetensors", weights(lora_unet_a__lora_down__weight=(1,)))
    put(tmp_path, "checkpoints/other.safetensors", weights(double_blocks__0__a=(1,)))
    (tmp_path / "checkpoints" / "notes.txt").write_text("mine")
    (tmp_path / "checkpoints" / "page.safetensors").write_bytes(b"<html>")
    put(tmp_path, "uniportrait/other.bin", weights(nobody__knows=(1,)))
    assert set(seen(tmp_path)) == {"checkpoints/page.safetensors", "uniportrait/other.bin"}


def test_a_file_in_the_wrong_folder_says_where_it_belongs(tmp_path):
    put(tmp_path, "checkpoints/faceid.bin", faceid())
    [file] = look(folders_below(tmp_path))
    assert file.belongs == ("uniportrait",)


def test_unfinished_downloads_are_not_told_of(tmp_path):
    put(tmp_path, "uniportrait/.small.bin", faceid())
    assert seen(tmp_path) == {}


def test_links_are_followed_once(tmp_path):
    put(tmp_path, "elsewhere/x.bin", faceid())
    (tmp_path / "uniportrait").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere")
    assert set(seen(tmp_path)) == {"uniportrait/x.bin"}


def test_a_broken_link_is_told_of_and_no_error(tmp_path):
    (tmp_path / "uniportrait").mkdir()
    (tmp_path / "uniportrait" / "x.bin").symlink_to(tmp_path / "nowhere")
    [file] = look(folders_below(tmp_path))
    assert file.seen.damaged


def test_the_old_name_of_a_folder_counts(tmp_path):
    put(tmp_path, "clip/text.safetensors", weights(text_model__encoder__layers__0__a=(1,)))
    assert set(seen(tmp_path)) == {"text_encoders/text.safetensors"}


@pytest.mark.parametrize("names", [[], ["uniportrait"]])
def test_folders_that_do_not_exist_hold_nothing(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir()
    assert look(folders_below(tmp_path)) == []


def test_several_places_of_a_folder_are_all_looked_at(tmp_path):
    put(tmp_path, "a/x.safetensors", checkpoint(768))
    put(tmp_path, "b/y.safetensors", checkpoint(2048))
    found = look({"checkpoints": [tmp_path / "a", tmp_path / "b"]})
    assert [(file.name, file.seen.base) for file in found] == [("x.safetensors", "SD1.5"), ("y.safetensors", "SDXL")]
