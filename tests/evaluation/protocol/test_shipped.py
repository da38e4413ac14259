"""The protocols that come with the kit lack what is the user's, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from likeness.evaluation.built_in import KIT
from likeness.evaluation.protocol.file import SHIPPED, read_protocol
from likeness.evaluation.running.plan import plan
from likeness.models.config.reading import read_toml
from likeness.models.errors import ConfigError
from likeness.tests.evaluation.small_kit import KIT as SMALL
from PIL import Image

PAPERS = ("uniportrait_single", "uniportrait_pairs", "consistentid", "omniportrait", "facestudio")
WEIGHTS = ("weights", "detector_weights", "predictor", "parser")
CELEBA = 15  # people in UniPortrait's tables


def write_user(folder, name, more=""):
    """What a user adds, with empty files in place of weights."""
    tables = read_toml(SHIPPED / f"{name}.toml")
    names = tables.get("people", {}).get("only") or read_toml(SHIPPED / "uniportrait_single.toml")["people"]["only"]
    for person in names:
        (folder / "people" / person).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / "people" / person / "photo.png")
    for metric in tables["metric"]:
        for key in WEIGHTS:
            if key in metric:
                path = folder / "models" / metric[key]
                path.mkdir(parents=True, exist_ok=True) if not path.suffix else path.parent.mkdir(
                    parents=True, exist_ok=True
                )
                if path.suffix:
                    path.touch()
    path = folder / "mine.toml"
    path.write_text(
        f'base = "{name}"\n[protocol]\noutput = "run"\n[people]\nfolder = "people"\n[models]\nfolder = "models"\n'
        f'[drawing]\nhost = "painter"\n{more}',
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("uniportrait_single", CELEBA * 40 * 4),
        ("uniportrait_pairs", 105 * 21 * 4),
        ("consistentid", CELEBA * 45),
        ("omniportrait", CELEBA * 30),
    ],
)
def test_a_paper_s_protocol_has_its_pictures(tmp_path, name, pictures):
    kit = KIT.extended(SMALL)
    protocol = read_protocol(write_user(tmp_path, name), kit)
    assert len(plan(protocol)) == pictures
    assert len(set(protocol.prompts)) == len(protocol.prompts)
    for paper in protocol.papers:
        assert paper.values.keys() <= protocol.metrics.keys()
        assert paper.notes.keys() <= paper.values.keys()


@pytest.mark.parametrize("name", PAPERS)
def test_faces_are_told_apart_by_the_paper_s_recogniser(tmp_path, name):
    """So that the report sets its numbers beside ours."""
    more = '[prompts]\ntexts = ["a {1}"]\n' if name == "facestudio" else ""
    protocol = read_protocol(write_user(tmp_path, name, more), KIT.extended(SMALL))
    theirs = {paper.recogniser for paper in protocol.papers}
    ours = {chosen.config.recogniser for chosen in protocol.metrics.values() if hasattr(chosen.config, "recogniser")}
    assert ours == theirs


def test_a_paper_that_prints_no_prompts_takes_the_user_s(tmp_path):
    kit = KIT.extended(SMALL)
    with pytest.raises(ConfigError) as found:
        read_protocol(write_user(tmp_path, "facestudio"), kit)
    assert str(found.value).split("\n")[1:] == [
        "[prompts] has neither texts nor file; give the list of prompts in one of them."
    ]
    with (tmp_path / "mine.toml").open("a") as stream:
        stream.write('[prompts]\ntexts = ["a {1} laughing"]\n')
    assert len(read_protocol(tmp_path / "mine.toml", kit).prompts) == 1


@pytest.mark.parametrize("name", PAPERS)
def test_a_shipped_protocol_alone_says_what_is_the_user_s(name):
    with pytest.raises(ConfigError) as found:
        read_protocol(SHIPPED / f"{name}.toml", KIT)
    said = str(found.value).split("\n")[1:]
    assert "[protocol] output is missing; choose a path." in said
    assert "[people] folder is missing; name a folder that holds a folder of photos for each person." in said
    assert '[drawing] host is missing; choose one of "comfyui", "diffusers".' in said
    assert all(
        fault.startswith(("[protocol] output", "[people] folder", "[drawing] host", "[prompts] has neither"))
        or ("weights is" in fault or "predictor is" in fault or "parser is" in fault)
        for fault in said
    )


@pytest.mark.parametrize("name", PAPERS)
def test_every_missing_weight_is_named_with_its_folder(tmp_path, name):
    path = write_user(tmp_path, name, '[prompts]\ntexts = ["a {1}"]\n' if name == "facestudio" else "")
    models = tmp_path / "models"
    shutil.rmtree(models)
    models.mkdir()
    with pytest.raises(ConfigError) as found:
        read_protocol(path, KIT.extended(SMALL))
    said = str(found.value).split("\n")[1:]
    wanted = [
        (number, key, metric[key])
        for number, metric in enumerate(read_toml(SHIPPED / f"{name}.toml")["metric"], 1)
        for key in WEIGHTS
        if key in metric
    ]
    assert len(said) == len(wanted)
    for number, key, file in wanted:
        kind = "file" if Path(file).suffix else "folder"
        assert (
            f'[[metric]] {number} {key} is "{file}"; the {kind} "{Path(file).name}" is not in {(models / file).parent}; choose a '
            f"{kind} that lies below the folder of [models]."
        ) in said


def test_every_shipped_protocol_is_tested():
    assert {path.stem for path in SHIPPED.glob("*.toml")} - {"miniature"} == set(PAPERS)
