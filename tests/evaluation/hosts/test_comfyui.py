"""A protocol is drawn by a workflow: its places are checked before, and filled for every picture."""

from __future__ import annotations

import json

import pytest
from likeness.evaluation.hosts.comfyui import COMFYUI, ComfyUIConfig
from likeness.evaluation.kit import Kit
from likeness.evaluation.running.run import run
from likeness.evaluation.running.work import Work
from likeness.evaluation.running.workers import ThisProcess
from likeness.models.errors import ConfigError
from likeness.tests.evaluation.hosts.test_graph import NODES
from likeness.tests.evaluation.small_kit import KIT, write

BOTH = KIT.extended(Kit(hosts={"comfyui": COMFYUI}))
DRAWING = (
    'host = "comfyui"\nurl = "{url}"\nworkflow = "w.json"\nprompt = ["Text v1.5.text"]\nseed = ["Sampler.seed"]\n'
    'photos = ["8.image"]\noutput = "9"\n'
)


def write_both(folder, url, drawing=DRAWING):
    (folder / "w.json").write_text(json.dumps(NODES), encoding="utf-8")
    return write(folder, {"drawing": drawing.replace("{url}", url)})


def test_every_picture_has_its_prompt_seed_and_photo(tmp_path, comfyui):
    report = run(write_both(tmp_path, comfyui.url), BOTH, ThisProcess())
    assert report.is_file()
    assert [(graph["6"]["inputs"]["text"], graph["3"]["inputs"]["seed"]) for graph in comfyui.graphs[:3]] == [
        ("a woman on the beach", 0),
        ("a woman on the beach", 1),
        ("a woman", 0),
    ]
    sent = [graph["8"]["inputs"]["image"] for graph in comfyui.graphs]
    assert len(set(sent)) == 3
    photo = (tmp_path / "people" / "ben" / "photo.png").read_bytes()
    assert comfyui.photos[sent[4]] == photo
    picture = Work.begin(tmp_path / "p.toml", BOTH).store.picture(Work.begin(tmp_path / "p.toml", BOTH).plan[1])
    assert picture[0, 0].tolist() == [1, 20, 30]


def test_places_that_are_not_there_are_told_all_at_once(tmp_path, comfyui):
    drawing = (
        DRAWING.replace("Sampler.seed", "Sampler.noise").replace('"8.image"', '"Photo.image"').replace('"9"', '"Save"')
    )
    with pytest.raises(ConfigError) as found:
        Work.begin(write_both(tmp_path, comfyui.url, drawing), BOTH)
    assert str(found.value).split("\n")[1:] == [
        '[drawing] seed: node "Sampler" has no input "noise"; it has seed and model.',
        '[drawing] photos: "Photo" is the title of nodes 8 and 9; give the number of one of them.',
        '[drawing] output: there is no node "Save"; there are Sampler, Text v1.5, 3, Photo and Photo.',
    ]


def test_as_many_photos_as_people(tmp_path, comfyui):
    drawing = DRAWING.replace('["8.image"]', '["8.image", "9.image"]')
    with pytest.raises(ConfigError, match="draws 2 people, but together is 1; make them the same"):
        Work.begin(write_both(tmp_path, comfyui.url, drawing), BOTH)


def test_another_workflow_draws_again(tmp_path, comfyui):
    work = Work.begin(write_both(tmp_path, comfyui.url), BOTH)
    work.draw([0], lambda: None)
    assert work.store.has_picture(work.plan[0])
    other = {**NODES, "3": {"class_type": "KSampler", "inputs": {"seed": 0, "steps": 9}, "_meta": {"title": "Sampler"}}}
    (tmp_path / "w.json").write_text(json.dumps(other), encoding="utf-8")
    changed = Work.begin(tmp_path / "p.toml", BOTH)
    assert not changed.store.has_picture(changed.plan[0])


def test_a_workflow_of_the_page_is_told(tmp_path):
    path = tmp_path / "w.json"
    path.write_text('{"nodes": []}', encoding="utf-8")
    config = ComfyUIConfig(workflow=path, prompt=("1.a",), seed=("1.a",), photos=("1.a",), output="1")
    [fault] = config.faults()
    assert "is in the page's format" in fault
