"""Packages that are missing, broken or empty are named, not those who use them."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from likeness.models.errors import MissingPackageError
from likeness.models.packages import import_package


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A builder: `installed(name, source)` puts a module where it can be imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def build(name, source=None):
        folder = tmp_path / name
        folder.mkdir()
        if source is not None:
            (folder / "__init__.py").write_text(source, encoding="utf-8")

    yield build
    for name in [name for name in sys.modules if name.split(".")[0] in ("hollow", "user", "whole", "broken")]:
        del sys.modules[name]


def test_what_is_there_is_imported(installed):
    installed("whole", "answer = 42")
    assert import_package("whole", "answer", purpose="A test").answer == 42


@pytest.mark.parametrize("name", ["nowhere_to_be_found", "nowhere_to_be_found.part"])
def test_a_missing_package_is_named(name):
    with pytest.raises(MissingPackageError) as caught:
        import_package(name, "answer", purpose="A test", otherwise="or do without.")
    assert str(caught.value).startswith(
        "A test needs the package nowhere_to_be_found, which could not be imported (No mo"
    )
    assert str(caught.value).endswith("; install it with: pip install nowhere_to_be_found, or do without.")


@pytest.mark.parametrize("module", ["hollow", "hollow.part"])
def test_a_folder_that_an_uninstalled_variant_left_behind_counts_as_missing(installed, module):
    installed("hollow")
    with pytest.raises(MissingPackageError, match=r"hollow, which can be imported, but is empty .*pip install hollow$"):
        import_package(module, "answer", purpose="A test")


@pytest.mark.parametrize("source", ["import hollow\nhollow.answer", "from hollow import answer"])
def test_the_empty_package_is_named_and_not_its_user(installed, source):
    installed("hollow")
    installed("user", source)
    message = r"needs the package hollow \(used by user\), which can be imported, but is empty .*pip install hollow$"
    with pytest.raises(MissingPackageError, match=message) as caught:
        import_package("user", "answer", purpose="A test")
    assert caught.value.name == "hollow"


def test_the_missing_package_is_named_and_not_its_user(installed):
    installed("user", "import nowhere_to_be_found")
    with pytest.raises(MissingPackageError, match=r"nowhere_to_be_found \(used by user\), .*pip install nowhere"):
        import_package("user", "answer", purpose="A test")


@pytest.mark.parametrize("source", ["raise ValueError('numpy.dtype size changed')", "other = 1"])
def test_a_package_that_is_broken_or_of_another_edition_is_named(installed, source):
    installed("broken", source)
    with pytest.raises(
        MissingPackageError, match=r"package broken, which could not be imported \(.*pip install broken$"
    ):
        import_package("broken", "answer", purpose="A test")


def test_pips_own_name_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", ModuleType("cv2"))
    with pytest.raises(MissingPackageError, match="pip install opencv-python"):
        import_package("cv2", "warpAffine", purpose="A test")
