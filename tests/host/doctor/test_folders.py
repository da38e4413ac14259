"""The doctor sees what ComfyUI sees."""

# pyright: reportUnusedImport=false

from __future__ import annotations

import pytest
from likeness.models.errors import MissingModelFileError
from likeness.tests.host.model_folders import folders  # noqa: F401
from likeness.tests.models.doctor.small_models import backbone, faceid, put

pytestmark = pytest.mark.comfy


def test_places_that_the_user_configured_count_and_come_first(folders, tmp_path_factory):  # noqa: F811
    import folder_paths
    from likeness.host.doctor.folders import model_folders, report_on

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    folder_paths.folder_names_and_paths["uniportrait"][0].insert(0, str(elsewhere))
    put(elsewhere, "x.bin", faceid())
    put(folders, "uniportrait/y.bin", backbone())
    assert model_folders()["uniportrait"] == [elsewhere, folders / "uniportrait"]
    found = {file.name: file.path for file in report_on("UniPortrait").files}
    assert found == {"x.bin": elsewhere / "x.bin", "y.bin": folders / "uniportrait" / "y.bin"}


def test_every_folder_of_the_pack_s_loaders_is_looked_at(folders):  # noqa: F811
    from likeness.host.doctor.folders import model_folders
    from likeness.host.files import FACE_DETECTION, FACE_RECOGNITION, INSIGHTFACE, WEIGHTS_FOLDERS

    assert {*WEIGHTS_FOLDERS, FACE_DETECTION, FACE_RECOGNITION, INSIGHTFACE} <= set(model_folders())


def test_a_published_file_goes_into_the_default_folder(folders):  # noqa: F811
    from likeness.host.doctor.folders import folder_for
    from likeness.models.doctor.catalogue import known_files

    assert all(folder_for(file) == folders.joinpath(*file.folder.split("/")) for file in known_files())


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("uniportrait", "../x.bin"), ("uniportrait", "/etc/passwd"), ("../models", "x.bin"), ("", ""), ("vae", "x.bin"),
        ("uniportrait", "none.bin"), ("uniportrait", "./x.bin"),
    ],
)  # fmt: skip
def test_only_listed_files_are_found(folders, folder, name):  # noqa: F811
    from likeness.host.doctor.folders import find_listed

    put(folders, "x.bin", faceid())
    path = put(folders, "uniportrait/x.bin", faceid())
    assert find_listed("uniportrait", "x.bin").path == path
    with pytest.raises(MissingModelFileError, match="is no file that the report lists"):
        find_listed(folder, name)
