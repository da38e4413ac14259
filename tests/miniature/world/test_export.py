from __future__ import annotations

import json

import numpy as np
import pytest
from likeness.dataset import check_command
from likeness.miniature.world.export import write_manifest
from likeness.miniature.world.regions import Region
from likeness.miniature.world.world import World
from PIL import Image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    write_manifest(World(seed=6, split="held out"), folder, range(40), people=(1, 4))
    return folder


def rows_of(folder):
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_the_trainer_finds_nothing_wrong(folder, capsys):
    assert check_command.main([str(folder / "manifest.jsonl"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["rows"], summary["usable"], summary["errors"], summary["warnings"]) == (40, 40, 0, 0)


def test_rows_are_what_the_world_shows(folder):
    scene = World(seed=6, split="held out", with_regions=True).scenes(range(40), people=(1, 4))
    for place, row in enumerate(rows_of(folder)):
        assert np.array_equal(np.asarray(Image.open(folder / row["image"])), scene.arrays()[place])
        assert row["caption"] == scene.captions[place].text
        assert row["split"] == "test"
        assert len(row["persons"]) == len(row["nouns"]) == scene.facts.people[place]
        for number, person in enumerate(row["persons"]):
            assert np.abs(np.array(person["kps"]) - scene.points[place, number].numpy()).max() < 0.01
            classes = np.asarray(Image.open(folder / person["parse"]))
            instance = np.asarray(Image.open(folder / person["instance"])) / 255
            assert np.abs(instance - scene.instances[place, number].numpy()).max() < 1 / 255
            sure = scene.regions[place, number, Region.HAIR].numpy() > 0.51
            assert (classes[sure] == Region.HAIR).all()
            assert not classes[instance < 0.49].any()


def test_one_name_stands_for_one_combination(tmp_path):
    world = World(seed=6)
    write_manifest(world, tmp_path, range(3), people=(2, 2))
    names = [person["identity"] for row in rows_of(tmp_path) for person in row["persons"]]
    assert len(set(names)) == len(set(map(tuple, world.scenes(range(3), people=(2, 2)).codes.flatten(0, 1).tolist())))
