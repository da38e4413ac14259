import pytest
from likeness.models.errors import MissingModelFileError

pytestmark = pytest.mark.comfy

WIDGETS = {
    "consistentid": "auto",
    "mode": "corrected",
    "purpose": "inpaint",
    "recogniser": "auto",
    "clip_vision_file": "auto",
    "face_parser_file": "auto",
}


@pytest.fixture
def node(monkeypatch, tmp_path):
    """The node, and empty model folders."""
    import folder_paths
    from likeness.host.files import register_folders

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {})
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    register_folders()
    from likeness.nodes.consistentid.load import LoadConsistentID

    return LoadConsistentID


def test_widgets_and_sockets_reach_the_loader(node, tmp_path, consistentid_files, wide_vision):
    (tmp_path / "consistentid").mkdir()
    (tmp_path / "consistentid/a.bin").write_bytes(consistentid_files().read_bytes())
    [loaded] = node.execute(**WIDGETS, clip_vision=wide_vision).result
    assert (loaded.flavour.mode, loaded.flavour.pipeline.name) == ("corrected", "inpaint")
    assert loaded.encoders.clip.width == 1280


def test_without_a_file_the_folder_is_named(node, tmp_path):
    with pytest.raises(MissingModelFileError, match=str(tmp_path / "consistentid")):
        node.execute(**WIDGETS)


def test_every_list_of_files_begins_with_auto(node):
    inputs = {each.id: each for each in node.define_schema().inputs}
    for name in WIDGETS:
        if name not in ("purpose", "mode"):
            assert inputs[name].options[0] == inputs[name].default == "auto"
