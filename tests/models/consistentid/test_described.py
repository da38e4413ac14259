import numpy as np
import torch
from likeness.models.consistentid.described import DescribedPerson, found_text, region_sheet
from likeness.models.consistentid.facial_regions import FacialRegion, FacialRegions
from likeness.models.consistentid.marked_text import Caption


def described(name, *regions, said=""):
    picture = np.full((20, 30, 3), 200, np.uint8)
    parts = [FacialRegion(name=each, vector=torch.zeros(1, 3), pictures=(picture,)) for each in regions]
    return DescribedPerson(name=name, place=0, said=said, regions=FacialRegions.of(parts))


def test_what_is_said_or_else_the_sentence_goes_with_the_regions():
    assert described("Ada", "Nose", said=" a long nose ").caption == Caption("a long nose", ("Nose",))
    assert described("Ada", "Nose", said=" ").caption == Caption(None, ("Nose",))


def test_the_sheet_shows_a_picture_per_region():
    bright = [
        (region_sheet([described("Ada", *names)]) == 200).all(-1).sum() for names in (("Nose",), ("Face", "Nose"))
    ]
    assert bright[1] >= 1.9 * bright[0] > 10_000


def test_without_regions_the_sheet_is_black():
    for people in ([], [described("Ada")]):
        sheet = region_sheet(people)
        assert sheet.shape[2] == 3
        assert not sheet.any()


def test_what_was_found_is_a_line_per_person():
    text = found_text([described("Ada", "Nose", "Face"), described("Bob")])
    assert text == "Ada: Face, Nose\nBob: none"
