"""What newer versions of ComfyUI's node interface know is left out where it is not known."""

from __future__ import annotations

import importlib
import inspect

import pytest

pytestmark = pytest.mark.comfy


class Old:
    """A class of an older version."""

    def __init__(self, id, default=None):
        pass


class New(Old):
    def __init__(self, id, default=None, advanced=None, search_aliases=None, has_intermediate_output=False):
        pass


@pytest.fixture
def module():
    from likeness.nodes import schema

    yield schema
    importlib.reload(schema)


@pytest.mark.parametrize(
    ("version", "advanced", "words"), [(Old, {}, {}), (New, {"advanced": True}, {"search_aliases": ["one", "two"]})]
)
def test_each_version_is_told_what_it_knows(module, monkeypatch, version, advanced, words):
    with monkeypatch.context() as patched:
        patched.setattr(module.io.Float, "Input", version)
        patched.setattr(module.io, "Schema", version)
        importlib.reload(module)
        assert advanced == module.ADVANCED
        assert module.found_by("one", "two") == words
        assert bool(module.SHOWS) is (version is New)


def test_this_version_takes_what_it_is_told(module):
    from comfy_api.latest import io

    made = io.Float.Input("strength", default=1.0, **module.ADVANCED)
    assert bool(getattr(made, "advanced", False)) is bool(module.ADVANCED)
    schema = io.Schema("Id", inputs=[made], outputs=[], **module.found_by("person"))
    assert ("search_aliases" in inspect.signature(io.Schema).parameters) is hasattr(schema, "search_aliases")
