"""What thumbnails show of a style."""

from __future__ import annotations

import numpy as np
from likeness.tools.workflows.thumbnails.styles import JOINT, SIDE, TILES, card, mosaic, style_picture
from PIL import Image


def noise(side: int = SIDE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


def test_a_mosaic_is_made_of_tiles_of_one_colour_with_joints():
    laid = np.asarray(mosaic(noise()))
    corners = [place * SIDE // TILES for place in range(TILES)]
    assert (laid[corners] == JOINT).all()
    assert (laid[:, corners] == JOINT).all()
    tile = laid[corners[3] + 1 : corners[4] - 1, corners[5] + 1 : corners[6] - 1].reshape(-1, 3)
    assert len(np.unique(tile, axis=0)) == 1


def test_the_amount_goes_from_the_picture_to_the_mosaic():
    picture = noise()
    whole = np.asarray(mosaic(picture)).astype(float)
    assert (np.asarray(mosaic(picture, 0.0)) == np.asarray(picture)).all()
    half = np.asarray(mosaic(picture, 0.5)).astype(float)
    assert np.abs(half - (whole + np.asarray(picture)) / 2).max() <= 1


def test_style_and_card_are_squares_that_look_like_each_other_in_nothing():
    style, text = np.asarray(style_picture()), np.asarray(card())
    assert style.shape == text.shape == (SIDE, SIDE, 3)
    assert len(np.unique(style.reshape(-1, 3), axis=0)) > 50
    assert len(np.unique(text.reshape(-1, 3), axis=0)) == 2
    assert (style_picture().tobytes(), card().tobytes()) == (style.tobytes(), text.tobytes())
