"""OmniPortrait's prompt as CONDITIONING: which rows are whom, and what is fused into them."""

import pytest
import torch
from likeness.models.clip import text_ids
from likeness.models.errors import IncompatibleBaseModelError, InvalidSettingError
from likeness.models.omniportrait.encode import encode as encode_person
from likeness.models.people.marked_prompt import read_prompt
from likeness.models.people.person import People
from likeness.tests.host.scheduled_clip import scheduled_clip
from likeness.tests.models.omniportrait.small_adapter import CONFIG, small_encoder, small_pivot
from likeness.tests.models.omniportrait.small_people import chain, noise, person, photo

pytestmark = pytest.mark.comfy

KINDS = ["sd15", "sdxl"]
NAMED = "likeness.named rows"


@pytest.fixture(scope="module")
def omniportrait():
    from likeness.host.omniportrait.adapter import new_omniportrait
    from likeness.models.omniportrait.checkpoint import OmniPortraitAdapter

    encoder, pivot = small_encoder(), small_pivot(text=24)
    return new_omniportrait(
        OmniPortraitAdapter(pivot=pivot, image_encoder=encoder, config=encoder.config, context_dim=24)
    )


def people(*counts, **settings):
    """`people(2, 1)` are two people, with two photos and with one."""
    return chain(
        *(
            person(f"person {place + 1}", *(photo(noise(10 * place + number)) for number in range(count)), **settings)
            for place, count in enumerate(counts)
        )
    )


def embedding(one):
    """Of a person's face, without ComfyUI."""

    class Directly:
        key, width = "", 6

        def tokens(self, pixels):
            return small_encoder().visual(pixels)[:, None]

    return encode_person(one, Directly(), CONFIG)


@pytest.fixture
def encode(omniportrait):
    """CONDITIONING of a text with people of so many photos, or with given ones."""
    from likeness.host.omniportrait.prompt import encode_prompt

    def run(clip, text, *counts, everybody=None, **options):
        chosen = people(*counts or (1,)) if everybody is None else everybody
        return encode_prompt(clip, chosen, text, **{"omniportrait": omniportrait, **options})[0]

    return run


def plain(clip, text):
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def ids_of(clip, text, name="l"):
    return [entry[0] for row in clip.tokenize(text)[name] for entry in row]


def ids_at(clip, text, pivots):
    flat = ids_of(clip, text)
    return [(person, flat[row]) for person, row in pivots]


MAN, WOMAN = text_ids("man")[0], text_ids("woman")[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [1.0, 0.4, 2.0])
def test_only_the_marked_rows_change_into_the_fusion_of_face_and_word(encode, narrow_clip, kind, strength):
    clip = narrow_clip(kind)
    [[tensor, options]] = encode(clip, "a man @id1 and a woman @id2 in a cafe", 3, 2, strength=strength)
    [[expected, expected_options]] = plain(clip, "a man and a woman in a cafe")
    rows = [row for _, row in options[NAMED]]
    wanted = expected.clone()
    for row, one in zip(rows, people(3, 2), strict=True):
        wanted[:, row] = small_pivot(text=24)(expected[:, row], embedding(one), strength)
    torch.testing.assert_close(tensor, wanted, atol=1e-5, rtol=1e-5)
    changed = (tensor != expected).any(-1)[0].nonzero().flatten().tolist()
    assert changed == rows
    assert torch.equal(options["pooled_output"], expected_options["pooled_output"])


@pytest.mark.parametrize("kind", KINDS)
def test_of_words_in_brackets_the_noun_changes_and_all_are_named(encode, narrow_clip, kind):
    clip = narrow_clip(kind)
    [[tensor, options]] = encode(clip, "a dog and [the man on the left]@id1")
    assert options[NAMED] == tuple((0, row) for row in range(4, 9))
    [[expected, _]] = plain(clip, "a dog and the man on the left")
    assert (tensor != expected).any(-1)[0].nonzero().flatten().tolist() == [5]


@pytest.mark.parametrize("kind", KINDS)
def test_several_words_of_one_person_all_change(encode, narrow_clip, kind):
    clip = narrow_clip(kind)
    [[tensor, options]] = encode(clip, "a man @id1 and the same man @id1 @id1")
    assert options[NAMED] == ((0, 2), (0, 6))
    [[expected, _]] = plain(clip, "a man and the same man")
    assert (tensor != expected).any(-1)[0].nonzero().flatten().tolist() == [2, 6]


@pytest.mark.parametrize("kind", KINDS)
def test_strength_0_leaves_every_bit(encode, narrow_clip, kind):
    clip = narrow_clip(kind)
    [[tensor, found]] = encode(clip, "a (man @id1:1.2) and ((a woman @id2)) here", 1, 1, strength=0.0)
    [[expected, expected_options]] = plain(clip, "a (man:1.2) and ((a woman)) here")
    assert torch.equal(tensor, expected)
    assert torch.equal(found["pooled_output"], expected_options["pooled_output"])
    assert [person for person, _ in found[NAMED]] == [0, 1]


def test_one_person_without_a_marker(encode, narrow_clip):
    clip = narrow_clip()
    [[tensor, options]] = encode(clip, "a (woman:1.3) in a cafe")
    assert ids_at(clip, "a (woman:1.3) in a cafe", options[NAMED]) == [(0, WOMAN)]
    assert not torch.equal(tensor, plain(clip, "a (woman:1.3) in a cafe")[0][0])


def test_somebody_without_a_marker_is_left_out_with_a_warning(encode, narrow_clip, caplog):
    clip = narrow_clip()
    [[tensor, options]] = encode(clip, "a man and a woman @id2", 1, 1)
    assert options[NAMED] == ((1, 5),)
    assert ['"person 1"; write @id1' in record.getMessage() for record in caplog.records] == [True]
    [[expected, _]] = plain(clip, "a man and a woman")
    assert (tensor != expected).any(-1)[0].nonzero().flatten().tolist() == [5]


OFF = [
    pytest.param(person("Ben", seed=2, strength=0.0), id="off"),
    pytest.param(person("Ben", seed=2, start=0.5, end=0.5), id="never"),
    pytest.param(person("Ben", left_out=True), id="left out"),
    pytest.param(person("Ben", photo(noise(2), None)), id="no face"),
]


@pytest.mark.parametrize("ben", OFF)
def test_the_noun_of_somebody_who_does_not_act_stays_plain_and_the_others_keep_their_numbers(
    narrow_clip, omniportrait, caplog, ben
):
    from likeness.host.omniportrait.prompt import encode_prompt

    clip, everybody = narrow_clip(), chain(person("Ann"), ben, person("Cat", seed=3))
    with caplog.at_level("INFO"):
        [[tensor, options]], text = encode_prompt(
            clip, everybody, "a man @id1, a boy @id2, a woman @id3", omniportrait=omniportrait
        )
    assert text == "a man, a boy, a woman"
    assert ids_at(clip, text, options[NAMED]) == [(0, MAN), (2, WOMAN)]
    [[expected, _]] = plain(clip, text)
    assert (tensor != expected).any(-1)[0].nonzero().flatten().tolist() == [row for _, row in options[NAMED]]
    assert sum('"Ben" is off or has no face' in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("ben", OFF)
@pytest.mark.parametrize("prompt", ["a wizard sits", "a man sits", "a man @id1 sits"])
def test_one_person_who_does_not_act_leaves_the_plain_prompt(narrow_clip, omniportrait, caplog, ben, prompt):
    from likeness.host.omniportrait.prompt import encode_prompt

    clip = narrow_clip()
    [[tensor, options]], text = encode_prompt(clip, chain(ben), prompt, omniportrait=omniportrait)
    assert text == prompt.replace(" @id1", "")
    assert options[NAMED] == ()
    assert torch.equal(tensor, plain(clip, text)[0][0])
    assert ["nobody is in the chain who acts" in record.getMessage() for record in caplog.records] == [True]


def test_a_marker_beyond_the_chain_is_an_error_whoever_is_off(encode, narrow_clip):
    with pytest.raises(InvalidSettingError, match="names @id3, but the chain of people has 2 people"):
        encode(narrow_clip(), "a man @id3", everybody=chain(person("Ann", strength=0.0), person("Ben")))


def test_nobody_is_the_plain_prompt_with_a_warning(narrow_clip, omniportrait, caplog):
    from likeness.host.omniportrait.prompt import encode_prompt

    clip = narrow_clip()
    [[tensor, options]], text = encode_prompt(clip, People(), "a man @id1 sits", omniportrait=omniportrait)
    assert text == "a man sits"
    assert options[NAMED] == ()
    assert torch.equal(tensor, plain(clip, "a man sits")[0][0])
    assert ["nobody is in the chain" in record.getMessage() for record in caplog.records] == [True]


def test_a_person_is_fused_by_their_own_strength_and_at_most_2(encode, narrow_clip, caplog):
    clip, prompt = narrow_clip(), "a man @id1 and a woman @id2"
    own = chain(person("Ann", strength=0.5), person("Ben", seed=2))
    [[tensor, _]] = encode(clip, prompt, everybody=own, strength=0.8)
    everybody = chain(person("Ann"), person("Ben", seed=2))
    [[ann, _]], [[ben, _]] = (encode(clip, prompt, everybody=everybody, strength=each)[0:1] for each in (0.4, 0.8))
    torch.testing.assert_close(tensor[:, 2], ann[:, 2])
    torch.testing.assert_close(tensor[:, 5], ben[:, 5])
    [[strongest, _]] = encode(clip, prompt, everybody=chain(person("Ann", strength=4.0), person("Ben", seed=2)))
    [[twice, _]] = encode(clip, prompt, everybody=everybody, strength=2.0)
    torch.testing.assert_close(strongest[:, 2], twice[:, 2])
    assert ['the strength of "Ann" is 4, and 2 is taken' in record.getMessage() for record in caplog.records] == [True]


def test_several_people_mixed_into_one_are_one_noun(encode, narrow_clip):
    clip, ann, ben = narrow_clip(), person("Ann"), person("Ben", seed=2)
    mixed = chain(ann).mix_into_last(ben, 0.4)
    [[tensor, options]] = encode(clip, "a man @id1", everybody=mixed)
    [[expected, _]] = plain(clip, "a man")
    [(_, row)] = options[NAMED]
    wanted = small_pivot(text=24)(expected[:, row], 0.6 * embedding(ann) + 0.4 * embedding(ben))
    torch.testing.assert_close(tensor[:, row], wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("strength", [-0.1, 2.1])
def test_a_strength_out_of_range_is_refused(encode, narrow_clip, strength):
    with pytest.raises(InvalidSettingError, match="choose a number from 0 to 2"):
        encode(narrow_clip(), "a man @id1", strength=strength)


@pytest.mark.parametrize("kind", KINDS)
def test_the_clip_of_the_other_architecture_is_refused(encode, narrow_clip, kind):
    clip = narrow_clip(kind, width=32)
    with pytest.raises(IncompatibleBaseModelError, match="rows 32 wide, this OmniPortrait adapter needs 24"):
        encode(clip, "a man @id1")


@pytest.fixture
def embeddings(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    both = {"clip_l": torch.randn(2, 8), "clip_g": torch.randn(2, 16)}
    save_file({"emb_params": torch.randn(3, 24)}, tmp_path / "sd15.safetensors")
    save_file({"emb_params": torch.randn(2, 17)}, tmp_path / "foreign.safetensors")
    save_file(both, tmp_path / "sdxl.safetensors")
    save_file({"clip_l": torch.randn(2, 8)}, tmp_path / "half.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "prompt", "row"),
    [
        ("sd15", "a embedding:sd15 @id1, so", 4),  # the last of three vectors
        ("sd15", "a embedding:sd15@id1 man", 4),
        ("sd15", "(embedding:sd15 @id1:1.3) so", 3),
        ("sd15", "a embedding:sd15 , man @id1", 6),
        ("sd15", "a man @id1 embedding:sd15 so", 2),
        ("sd15", "a embedding:foreign (man @id1:1.3)", 2),
        ("sd15", "a embedding:missing man @id1", 2),
        ("sdxl", "a embedding:sdxl @id1, so", 3),
        ("sdxl", "a embedding:missing (man @id1:1.3)", 2),
    ],
)
def test_embeddings_in_the_prompt(encode, narrow_clip, embeddings, kind, prompt, row):
    """Causal encoders: the row before the first that a word behind the noun changes is the noun's."""
    clip = narrow_clip(kind, embeddings=embeddings)
    [[tensor, options]] = encode(clip, prompt)
    assert options[NAMED] == ((0, row),)
    [[expected, _]] = plain(clip, read_prompt(prompt).text)
    assert (tensor != expected).any(-1)[0].nonzero().flatten().tolist() == [row]
    first, second = (plain(clip, prompt.replace("@id1", f" {word} "))[0][0][0] for word in ("tree", "house"))
    assert int((first != second).any(1).nonzero()[0]) == row + 1


def test_an_embedding_for_one_encoder_only_is_refused(encode, narrow_clip, embeddings):
    from likeness.models.errors import LikenessError

    with pytest.raises(LikenessError, match="split this prompt differently"):
        encode(narrow_clip("sdxl", embeddings=embeddings), "a embedding:half , man @id1")


@pytest.mark.parametrize("kind", KINDS)
def test_a_schedule_of_clip_hooks(encode, narrow_clip, kind):
    """A CLIP with a hook that changes on the way gives several entries; each is fused and knows its pivots."""
    clip = scheduled_clip(narrow_clip(kind))
    encoded, without = encode(clip, "a man @id1 in a cafe"), plain(clip, "a man in a cafe")
    assert [options["clip_start_percent"] for _, options in encoded] == [0.0, 0.5]
    assert not torch.equal(encoded[0][0][:, 2], encoded[1][0][:, 2])
    for (tensor, options), (expected, _) in zip(encoded, without, strict=True):
        assert options[NAMED] == ((0, 2),)
        assert (tensor != expected).any(-1)[0].nonzero().flatten().tolist() == [2]


def test_a_run_knows_the_pivots_of_its_positive_prompt(encode, narrow_clip, tiny_model, sample):
    from likeness.host.sampling.runs import follow_runs
    from likeness.host.unet import keys

    seen, model = [], tiny_model().clone()
    follow_runs(model)

    def noted(apply_model, given):
        known = given["c"]["transformer_options"][keys.CONDS].values()
        seen.append({info.polarity.name: info.named_rows for info in known})
        return apply_model(given["input"], given["timestep"], **given["c"])

    model.set_model_unet_function_wrapper(noted)
    latent = sample(model, size=(8, 8), steps=1, positive=encode(narrow_clip(), "a man @id1 in a cafe"))
    assert latent.isfinite().all()
    assert seen[0] == {"POSITIVE": ((0, 2),), "NEGATIVE": ()}
