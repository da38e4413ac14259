"""A method registers its nodes by having a folder of its name on the shelf."""

from __future__ import annotations

import asyncio
import sys

import pytest

pytestmark = pytest.mark.comfy

NODE = '''
from comfy_api.latest import io

from ..schema import People, shelf


class ApplyThrowaway(io.ComfyNode):
    """A node of a method that stays for one test."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="LikenessApplyThrowaway",
            category=shelf("Throwaway"),
            inputs=[People.Input("people")],
            outputs=[People.Output()],
        )

    @classmethod
    def execute(cls, people):
        return io.NodeOutput(people)


NODES = [ApplyThrowaway]
'''


@pytest.fixture
def fresh():
    """The room of nodes, imported anew as ComfyUI does at its start; afterwards it is as before."""
    import likeness.nodes

    before = dict(vars(likeness.nodes))

    def run():
        likeness.nodes.__spec__.loader.exec_module(likeness.nodes)  # a reload would find the folder anew
        return likeness.nodes

    yield run
    vars(likeness.nodes).update(before)


@pytest.fixture
def method(monkeypatch, tmp_path, fresh):
    """A throw-away method with a wing of nodes."""
    import likeness.nodes
    from likeness.models import methods

    folder = tmp_path / "throwaway"
    folder.mkdir()
    (folder / "__init__.py").write_text(NODE, encoding="utf-8")
    monkeypatch.setattr(methods, "METHODS", (*methods.METHODS, "throwaway"))
    monkeypatch.setattr(likeness.nodes, "__path__", [*likeness.nodes.__path__, str(tmp_path)])
    yield folder
    sys.modules.pop("likeness.nodes.throwaway", None)
    vars(likeness.nodes).pop("throwaway", None)


def listed(module):
    """The ids of all nodes, in their order."""
    nodes = asyncio.run(module.LikenessExtension().get_node_list())
    return [node.define_schema().node_id for node in nodes]


def test_a_further_method_s_nodes_follow_those_of_the_other_methods(fresh, method):
    found = listed(fresh())
    assert found.index("LikenessApplyThrowaway") > found.index("LikenessApplyReferenceGuidance")
    assert found.index("LikenessApplyThrowaway") < found.index("LikenessDetectFaces")


def test_its_nodes_are_in_a_menu_of_their_own(fresh, method):
    nodes = asyncio.run(fresh().LikenessExtension().get_node_list())
    schemas = {node.define_schema().node_id: node.define_schema() for node in nodes}
    assert schemas["LikenessApplyThrowaway"].category == "Likeness/Throwaway"


def test_a_method_without_nodes_is_no_error(fresh, method):
    (method / "__init__.py").unlink()
    method.rmdir()
    assert "LikenessApplyThrowaway" not in listed(fresh())


def test_no_two_nodes_have_one_id(fresh):
    found = listed(fresh())
    assert len(found) == len(set(found))
    assert all(each.startswith("Likeness") for each in found)
    assert "LikenessApplyThrowaway" not in found


def test_the_model_folders_are_known_once_nodes_are_listed(fresh, monkeypatch, tmp_path):
    import folder_paths
    from likeness.host.files import WEIGHTS_FOLDERS

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {})
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    listed(fresh())
    assert set(WEIGHTS_FOLDERS) <= set(folder_paths.folder_names_and_paths)
