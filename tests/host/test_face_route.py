"""Where the faces of a photo are, before anything runs: what is looked at, what is refused, and who waits for whom."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from likeness.models.face.types import Detection
from likeness.models.miniature.files import PORTRAITS
from PIL import Image

pytestmark = pytest.mark.comfy

DRAWN = "drawn faces (miniature)"
PORTRAIT = PORTRAITS[0]
POINTS = np.zeros((5, 2), np.float32)


class CountingDetector:
    """Finds one face in everything, in the upper left quarter; counts, and waits for `gate`."""

    key = "counting"

    def __init__(self):
        self.seen, self.threads, self.gate = [], set(), threading.Event()
        self.gate.set()

    def find(self, pictures):
        for picture in pictures:
            assert self.gate.wait(10)
            self.threads.add(threading.current_thread().name)
            self.seen.append(picture.shape)
            height, width = picture.shape[:2]
            yield [Detection(np.array([0, 0, width / 2, height / 2], np.float32), POINTS, 0.9)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """ComfyUI's input folder."""
    import folder_paths

    place = tmp_path / "input"
    place.mkdir()
    monkeypatch.setattr(folder_paths, "get_input_directory", lambda: str(place))
    return place


@pytest.fixture
def detector(monkeypatch):
    from likeness.host import face_route

    found = CountingDetector()
    monkeypatch.setattr(face_route, "_detector", lambda choice, min_score: found)
    return found


@pytest.fixture
def photo(folder):
    """A builder: put a picture into the input folder."""

    def build(name="photo.png", size=(40, 20), **options):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (90, 90, 90)).save(file, **options)
        return name

    return build


@pytest.fixture
def look():
    from likeness.host.face_route import FaceLook

    return FaceLook()


def ask(look, *questions):
    async def together():
        return await asyncio.gather(*(look.answer(question) for question in questions))

    answers = asyncio.run(together())
    return answers[0] if len(questions) == 1 else answers


def test_a_drawn_face_is_found_and_comfyui_manages_nothing(folder, look, monkeypatch):
    from comfy import model_management

    monkeypatch.setattr(model_management, "load_models_gpu", lambda *a, **k: pytest.fail("ComfyUI was asked to load"))
    before = len(model_management.current_loaded_models)
    Image.open(PORTRAIT).save(folder / "drawn.png")
    said = ask(look, {"image": "drawn.png", "detector": DRAWN})
    assert said["error"] is None
    [face] = said["faces"]
    x0, y0, x1, y1 = face["box"]
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert (said["width"], said["height"]) == Image.open(PORTRAIT).size
    assert len(model_management.current_loaded_models) == before


def test_without_files_the_networks_that_came_with_the_pack_look(photo, look, monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    said = ask(look, {"image": photo(size=(64, 64))})
    assert said == {"width": 64, "height": 64, "faces": [], "error": None}


def test_photos_are_turned_as_load_image_turns_them(photo, look, detector):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    said = ask(look, {"image": photo("turned.jpg", exif=exif)})
    assert (said["width"], said["height"]) == (20, 40)
    assert said["faces"] == [{"box": [0.0, 0.0, 0.5, 0.5], "score": 0.9}]


def test_what_was_seen_is_remembered_until_photo_or_detector_change(photo, look, detector):
    name = photo()
    for _ in range(2):
        ask(look, {"image": name})
    assert len(detector.seen) == 1
    ask(look, {"image": name, "detector": "mtcnn"})
    ask(look, {"image": name, "min_score": 0.3})
    assert len(detector.seen) == 3
    photo(size=(41, 20))
    assert ask(look, {"image": name})["width"] == 41
    assert len(detector.seen) == 4


def test_only_the_photos_asked_for_last_are_remembered(photo, look, detector, monkeypatch):
    from likeness.host import face_route

    monkeypatch.setattr(face_route, "MOST_REMEMBERED", 2)
    names = [photo(f"{number}.png") for number in range(3)]
    for name in [*names, names[0], names[2]]:
        ask(look, {"image": name})
    assert len(detector.seen) == 4


@pytest.mark.parametrize("name", ["people/ann.png", "photo.png [input]", "people/b c.png"])
def test_sub_folders_and_names_as_load_image_writes_them(name, photo, look, detector):
    photo(name.removesuffix(" [input]"))
    assert ask(look, {"image": name})["error"] is None


@pytest.mark.parametrize(
    "name",
    [
        "photo.png [output]",
        "photo.png [temp]",
        "../secret.png",
        "people/../../secret.png",
        "people\\..\\..\\secret.png",
        "C:\\secret.png",
        "/etc/passwd",
        "a\0b.png",
        "x" * 10_000,
        "folder",
        "missing.png",
    ],
)
def test_nothing_but_photos_of_the_input_folder_is_opened(name, folder, photo, look, detector):
    photo("../secret.png")
    photo()
    (folder / "folder").mkdir()
    said = ask(look, {"image": name})
    assert said["faces"] == []
    assert said["error"].count("input folder") >= 1
    assert len(said["error"]) < 400
    assert detector.seen == []


def test_links_that_leave_are_refused_and_others_followed(folder, photo, look, detector):
    photo("../secret.png")
    photo("inside.png")
    (folder / "out.png").symlink_to(folder.parent / "secret.png")
    (folder / "up").symlink_to(folder.parent)
    (folder / "same.png").symlink_to(folder / "inside.png")
    for name in ("out.png", "up/secret.png"):
        assert "a link that leaves" in ask(look, {"image": name})["error"]
    assert ask(look, {"image": "same.png"})["error"] is None
    assert len(detector.seen) == 1


def test_an_input_folder_that_is_a_link_itself_is_fine(tmp_path, photo, look, detector, monkeypatch):
    import folder_paths

    name = photo()
    (tmp_path / "linked").symlink_to(tmp_path / "input")
    monkeypatch.setattr(folder_paths, "get_input_directory", lambda: str(tmp_path / "linked"))
    assert ask(look, {"image": name})["error"] is None


def test_huge_photos_are_not_decoded(photo, look, detector, monkeypatch):
    name = photo("wide.png", size=(20_000, 1001))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    said = ask(look, {"image": name})
    assert "20000×1001" in said["error"]
    assert "20 megapixels" in said["error"]
    assert detector.seen == []


def test_what_is_no_picture_is_one_sentence(folder, look, detector):
    (folder / "page.png").write_text("<html>")
    assert "cannot be read as a picture" in ask(look, {"image": "page.png"})["error"]


def test_a_photo_that_takes_too_long_is_one_sentence_and_the_loop_goes_on(photo, detector):
    from likeness.host.face_route import FaceLook

    detector.gate.clear()
    look = FaceLook(seconds=0.2)
    first, second = ask(look, {"image": photo("a.png")}, {"image": photo("b.png")})  # the loop waited for both at once
    assert first["error"] == second["error"]
    assert "took longer than 0.2 seconds" in first["error"]
    detector.gate.set()
    look.seconds = 10
    assert ask(look, {"image": "a.png"})["error"] is None
    assert len(detector.seen) == 1  # the second was no longer wanted, the first was remembered


def test_one_thread_looks_at_all_photos(photo, look, detector):
    names = [photo(f"{number}.png") for number in range(4)]
    assert all(said["error"] is None for said in ask(look, *({"image": name} for name in names)))
    [thread] = detector.threads
    assert thread.startswith("likeness-faces")


@pytest.mark.parametrize(
    "question",
    [
        None,
        [],
        "photo.png",
        {},
        {"image": 5},
        {"image": ""},
        {"image": "photo.png", "detector": "given region"},
        {"image": "photo.png", "detector": ["auto"]},
        {"image": "photo.png", "min_score": "low"},
        {"image": "photo.png", "min_score": True},
        {"image": "photo.png", "min_score": float("nan")},
        {"image": "photo.png", "min_score": 2},
    ],
)
def test_bad_questions_are_one_sentence(question, photo, look, detector):
    photo()
    said = ask(look, question)
    assert said["faces"] == []
    assert said["error"].endswith(".")
    assert detector.seen == []


def test_a_detector_that_raises_is_one_sentence(photo, look, detector, monkeypatch):
    monkeypatch.setattr(detector, "find", lambda pictures: iter([1 / 0]))
    assert "division by zero" in ask(look, {"image": photo()})["error"]


def test_the_page_is_answered(photo, detector):
    from likeness.host import face_route

    [route] = face_route.ROUTES
    assert (route.method, route.path) == ("POST", "/likeness/faces")

    def post(said, length=100):
        async def read():
            if said is ValueError:
                raise ValueError
            return said

        answer = asyncio.run(route.answer(SimpleNamespace(json=read, content_length=length)))
        return answer.status, answer.text

    status, text = post({"image": photo()})
    assert status == 200
    assert '"error": null' in text
    assert post(ValueError)[0] == 200
    assert post({}, length=10**6)[0] == 413
    assert post({}, length=None)[0] == 413
