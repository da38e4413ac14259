"""What workflows of all methods are put together from."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import chain, source
from likeness.tools.workflows.graph import Graph
from likeness.tools.workflows.notes import MINIATURE_FILES
from likeness.tools.workflows.parts import (
    add_people,
    add_prompts,
    arrange,
    load_checkpoint,
    sample,
    save,
    show_guidance,
    show_places,
)


@pytest.fixture
def graph() -> Graph:
    return Graph("Some people", definitions())


def sampled(graph: Graph):
    checkpoint = load_checkpoint(graph)
    texts = add_prompts(graph, checkpoint["CLIP"], "yes", "no")
    latent = graph.add("EmptyLatentImage", width=64, height=64)
    return checkpoint, sample(graph, checkpoint["MODEL"], texts, latent, {"steps": 2}, denoise=0.5)


def test_people_are_chained_each_with_one_link_to_a_photo_of_their_own(graph):
    people = add_people(graph, 3)
    assert chain(people[-1][-1]) == [person for _, person in people]
    for number, (photo, person) in enumerate(people, 1):
        assert source(person, "photo") is photo
        assert photo.values["image"] == f"person-{number}.png"
    assert len(graph.nodes) == 6


def test_a_sampler_reads_both_prompts_in_their_order(graph):
    _, sampler = sampled(graph)
    assert [source(sampler, name).values["text"] for name in ("positive", "negative")] == ["yes", "no"]
    assert (sampler.values["steps"], sampler.values["denoise"]) == (2, 0.5)


def test_pictures_are_saved_under_the_workflow_s_name(graph):
    checkpoint, sampler = sampled(graph)
    decoded, saved = save(graph, checkpoint["VAE"], sampler)
    assert source(saved, "images") is decoded
    assert saved.values["filename_prefix"] == "likeness/some-people"


def test_maps_and_plots_read_the_model_that_was_sampled_and_what_the_sampler_gave(graph):
    checkpoint, sampler = sampled(graph)
    decoded, _ = save(graph, checkpoint["VAE"], sampler)
    [[routing]], [[plot]] = show_places(graph, sampler, decoded).columns, show_guidance(graph, sampler).columns
    for shown in (routing, plot):
        assert source(shown, "model") is source(sampler, "model") is checkpoint
        assert source(shown, "latent") is sampler
    assert source(routing, "image") is decoded


def test_notes_come_first_and_say_what_the_nodes_read(graph):
    checkpoint = load_checkpoint(graph)
    arrange(graph, "How", [checkpoint])
    read_me, models = graph.groups
    [[how, downloads]] = read_me.columns
    assert (how.values["text"], models.columns) == ("How", [[checkpoint]])
    assert graph.files[0].url in downloads.values["text"]
    assert how.position < checkpoint.position


def test_without_files_the_note_says_that_nothing_is_needed(graph):
    latent = graph.add("EmptyLatentImage", width=64, height=64)
    arrange(graph, "How", [latent])
    [how_and_downloads] = graph.groups[0].columns
    assert how_and_downloads[1].values["text"] == MINIATURE_FILES.strip()
