"""What a user can read about every node: tooltips, and a help page that names all its inputs and outputs."""

import asyncio
from pathlib import Path

import pytest

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def schemas():
    from likeness.nodes import LikenessExtension

    nodes = asyncio.run(LikenessExtension().get_node_list())
    return [node.define_schema() for node in nodes]


def test_every_node_is_described(schemas):
    assert len(schemas) == len({schema.node_id for schema in schemas})
    for schema in schemas:
        assert schema.category == "Likeness"
        assert schema.description, schema.node_id
        unsaid = [entry.id for entry in [*schema.inputs, *schema.outputs] if not entry.tooltip]
        assert unsaid == [], schema.node_id


def test_help_pages_name_every_input_and_output(schemas):
    import likeness

    folder = Path(likeness.__file__).parent / "web" / "docs"
    for schema in schemas:
        text = (folder / f"{schema.node_id}.md").read_text(encoding="utf-8")
        names = [entry.id for entry in schema.inputs] + [entry.display_name for entry in schema.outputs]
        assert [name for name in names if f"`{name}`" not in text] == [], schema.node_id
