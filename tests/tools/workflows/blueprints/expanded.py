"""A blueprint as the server would get it, written a second time: values by position, links by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from likeness.tools.comfyui.inputs import read_inputs

ENTRY, EXIT = -10, -20


def expand(
    blueprint: Mapping[str, Any], definitions: Mapping[str, Any], given: Mapping[str, list], name: str = "b"
) -> tuple[dict[str, Any], dict[str, list]]:
    """Give the nodes inside in API format, and what every output of the blueprint is linked to.

    Args:
        blueprint: a file of `subgraphs/`.
        definitions: what `/object_info` says.
        given: what the blueprint's inputs are linked to, by name.
        name: of the blueprint's node; that of a node inside is `name:number`.
    """
    [subgraph] = blueprint["definitions"]["subgraphs"]
    links = {link["id"]: link for link in subgraph["links"]}
    entries = [entry["name"] for entry in subgraph["inputs"]]
    prompt: dict[str, Any] = {}
    for node in subgraph["nodes"]:
        inputs: dict[str, Any] = {}
        values = iter(node["widgets_values"])
        for entry in read_inputs(definitions[node["type"]]):
            if entry.is_widget:
                inputs[entry.name] = next(values)
                for _ in range(entry.rows - 1):
                    next(values)
        for entry in node["inputs"]:
            if entry["link"] is not None:
                link = links[entry["link"]]
                inputs[entry["name"]] = (
                    given[entries[link["origin_slot"]]]
                    if link["origin_id"] == ENTRY
                    else [f"{name}:{link['origin_id']}", link["origin_slot"]]
                )
        prompt[f"{name}:{node['id']}"] = {"class_type": node["type"], "inputs": inputs}
    outputs = {
        output["name"]: [
            f"{name}:{links[output['linkIds'][0]]['origin_id']}",
            links[output["linkIds"][0]]["origin_slot"],
        ]
        for output in subgraph["outputs"]
    }
    return prompt, outputs
