import pytest
from likeness.models.errors import InvalidSettingError

pytestmark = pytest.mark.comfy

FEATURES = ("face", "eyes", "ears", "nose", "mouth")


def choose(person=1, caption="", others_from=0, **changes):
    from likeness.nodes.consistentid.features import SetFacialFeatures

    features = changes.pop("features", None)
    given = {} if features is None else {"features": features}
    switches = dict.fromkeys(FEATURES, True) | {f"{name}_strength": 1.0 for name in FEATURES}
    [made] = SetFacialFeatures.execute(
        person=person, caption=caption, others_from=others_from, **given, **(switches | changes)
    ).result
    return made


def test_switches_and_strengths_are_those_of_the_features_that_are_on():
    made = choose(person=2, caption="a nose", others_from=1, eyes=False, nose_strength=0.5).of(2)
    assert made.strengths == {"face": 1.0, "ears": 1.0, "nose": 0.5, "mouth": 1.0}
    assert (made.caption, made.others_from) == ("a nose", 1)


def test_nodes_are_chained_by_person():
    both = choose(person=1, features=choose(person=2))
    assert [choice.person for choice in both.choices] == [2, 1]
    with pytest.raises(InvalidSettingError, match="twice for person 2"):
        choose(person=2, features=both)


def test_numbers_count_from_one_and_nobody_is_zero():
    from likeness.nodes.consistentid.features import SetFacialFeatures

    inputs = {each.id: each for each in SetFacialFeatures.define_schema().inputs}
    assert (inputs["person"].default, inputs["person"].min) == (1, 1)
    assert (inputs["others_from"].default, inputs["others_from"].min) == (0, 0)
