import numpy as np
from likeness.models.face.types import Face, FaceSet, combine

IMAGE = np.zeros((10, 20, 3), np.uint8)


def face(image_index=0, index=0):
    return Face(
        box=np.array([1, 1, 5, 5], np.float32),
        points=np.zeros((5, 2), np.float32),
        score=0.9,
        crop=np.zeros((224, 224, 3), np.uint8),
        index=index,
        image_index=image_index,
        image_size=(10, 20),
    )


def test_candidates_are_the_faces_unless_given():
    taken = face()
    assert FaceSet((taken,), (IMAGE,)).candidates == (taken,)
    other = face(index=1)
    assert FaceSet((taken,), (IMAGE,), candidates=(other, taken)).of_image(0) == (other, taken)


def test_combining_moves_the_second_set_behind_the_first():
    a0, a1, b0, b1 = face(), face(1), face(), face(1, index=3)
    first = FaceSet((a0, a1), (IMAGE, IMAGE))
    second = FaceSet((b1,), (IMAGE, IMAGE, IMAGE), candidates=(b0, b1))
    both = combine(first, second)
    assert both.faces[:2] == (a0, a1)
    assert [f.image_index for f in both.faces] == [0, 1, 3]
    assert [f.image_index for f in both.candidates] == [0, 1, 2, 3]
    assert both.candidates[3] is both.faces[2], "a taken face stays one of the candidates"
    assert both.faces[2].index == 3
    assert len(both.images) == 5
    assert second.faces[0].image_index == 1, "the input is unchanged"


def test_combining_with_an_empty_set():
    empty = FaceSet((), (IMAGE,), "go on")
    full = FaceSet((face(),), (IMAGE,))
    assert combine(empty, full).faces[0].image_index == 1
    assert combine(full, empty).found
    assert not combine(empty, empty).found
    assert combine(empty, empty).on_no_face == "go on"
