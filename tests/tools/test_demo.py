import json
from pathlib import Path

import pytest
from likeness.tools import demo
from likeness.tools.demo import WEIGHTS, DemoError, fill_in, ids_of, read_region, read_shares, report


@pytest.fixture
def prompt() -> demo.Prompt:
    return json.loads(demo.WORKFLOW.read_text(encoding="utf-8"))


def test_everything_the_workflow_names_is_replaced(prompt):
    files = {weights: Path(f"/somewhere/mine-{number}") for number, weights in enumerate(WEIGHTS)}
    fill_in(prompt, files, ["a.png", "b.jpg"], ["1 2 3 4", "5 6 7 8"], 256, 8)
    text = json.dumps(prompt)
    assert all(f"mine-{number}" in text for number in range(len(WEIGHTS)))
    assert not any(weights.name in text for weights in WEIGHTS)
    assert "/somewhere" not in text
    [sampler], [latent] = ids_of(prompt, "KSampler"), ids_of(prompt, "EmptyLatentImage")
    assert prompt[sampler]["inputs"]["steps"] == 8
    assert (prompt[latent]["inputs"]["width"], prompt[latent]["inputs"]["height"]) == (256, 256)


def test_every_face_gets_the_points_of_its_own_photo(prompt):
    fill_in(prompt, {weights: Path("x") for weights in WEIGHTS}, ["a.png", "b.jpg"], ["1 1", "2 2"], 256, 8)
    regions = {}
    for detect in ids_of(prompt, "LikenessDetectFaces"):
        inputs = prompt[detect]["inputs"]
        assert inputs["detector"] == "given region"
        regions[prompt[inputs["image"][0]]["inputs"]["image"]] = inputs["region"]
    assert regions == {"a.png": "1 1", "b.jpg": "2 2"}


def test_with_a_detector_the_faces_are_looked_for(prompt):
    fill_in(prompt, {weights: Path("x") for weights in WEIGHTS}, ["a.png", "b.jpg"], [], 256, 8)
    assert {prompt[detect]["inputs"]["detector"] for detect in ids_of(prompt, "LikenessDetectFaces")} == {"auto"}


def test_a_photo_without_points_says_what_to_do(tmp_path):
    with pytest.raises(DemoError, match=r"models/insightface.*points"):
        read_region(tmp_path / "me.jpg")
    (tmp_path / "me.json").write_text(json.dumps({"points": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10.5]]}))
    assert read_region(tmp_path / "me.jpg") == "1 2 3 4 5 6 7 8 9 10.5"


def test_shares_are_read_from_what_the_workflow_shows(prompt):
    [shown] = ids_of(prompt, "PreviewAny")
    entry = {"outputs": {shown: {"text": ['{"person 1": 0.25, "person 2": 0.75}']}}}
    assert read_shares(prompt, entry) == {"person 1": 0.25, "person 2": 0.75}
    del prompt[shown]
    with pytest.raises(DemoError, match="PreviewAny"):
        read_shares(prompt, entry)


def test_the_report_does_not_pass_noise_off_as_a_picture(capsys):
    report([Path("a.png"), Path("b.png")], {"Ann": 0.25, "Bob": 0.75}, WEIGHTS[:1], has_detector=False)
    text = capsys.readouterr().out
    for part in ("Ann (a.png): 25.0%", "Bob (b.png): 75.0%", "noise", WEIGHTS[0].name, "no detector files"):
        assert part in text
    report([Path("a.png"), Path("b.png")], {"Ann": 0.25, "Bob": 0.75}, [], has_detector=True)
    assert "noise" not in capsys.readouterr().out
