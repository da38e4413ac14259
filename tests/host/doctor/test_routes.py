"""What the page asks for, in a running ComfyUI: the report, and refusals that a browser cannot talk its way around."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest
from likeness.models.doctor.catalogue import choices
from likeness.tests.models.doctor.small_models import faceid, put

pytestmark = pytest.mark.comfy

JSON = {"Content-Type": "application/json"}
SECONDS = 60


@pytest.fixture
def ask(miniature_server):
    """Asks the server; gives status and answer."""

    def run(path, body=None, **headers):
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{miniature_server.url}{path}", content, {**JSON, **headers})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {"error": text.decode()}

    return run


@pytest.fixture
def ended(ask):
    """Waits until the job has ended; gives it."""

    def run():
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            job = ask("/likeness/models/job")[1]["job"]
            if job["state"] != "running":
                return job
            time.sleep(0.05)
        raise AssertionError("the job does not end")

    return run


def files(folder):
    """All that lies below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_report_is_that_of_the_server_s_folders(ask, miniature_server):
    path = put(miniature_server.base / "models", "uniportrait/listed.bin", faceid())
    status, data = ask("/likeness/models?for=UniPortrait")
    assert status == 200
    assert data["choices"] == choices()
    assert str(path) in [file["path"] for file in data["files"]]
    assert ask("/api/likeness/models?for=UniPortrait")[1]["files"] == data["files"]
    path.unlink()


def test_an_unknown_method_is_a_sentence(ask):
    status, data = ask("/likeness/models?for=nobody")
    assert (status, "No method is called" in data["error"]) == (400, True)


def test_a_conversion_runs_in_the_background_and_keeps_the_original(ask, ended, miniature_server):
    models = miniature_server.base / "models"
    path = put(models, "uniportrait/small.bin", faceid())
    status, data = ask(
        "/likeness/models/convert", {"folder": "uniportrait", "name": "small.bin", "client_id": "nobody"}
    )
    assert (status, data["job"]["verb"]) == (200, "convert")
    assert ended()["state"] == "done"
    made = path.with_suffix(".safetensors")
    assert made.is_file()
    assert path.is_file()
    ask("/likeness/models/convert", {"folder": "uniportrait", "name": "small.bin"})
    job = ended()
    assert (job["state"], "is there already" in job["said"]) == ("failed", True)
    path.unlink()
    made.unlink()


def test_a_download_offline_ends_with_a_sentence(ask, ended, miniature_server):
    status, _ = ask("/likeness/models/download", {"name": "uniportrait-faceid_sd15.bin"})
    job = ended()
    assert (status, job["state"]) == (200, "failed")
    assert "HF_HUB_OFFLINE is set" in job["said"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("download", {"name": "../../x"}),
        ("download", {"name": ""}),
        ("download", {}),
        ("convert", {"folder": "uniportrait", "name": "../../input/x.bin"}),
        ("convert", {"folder": "..", "name": "x.bin"}),
        ("convert", {}),
        ("download", {"name": 7}),
        ("download", ["uniportrait-faceid_sd15.bin"]),
        ("download", b"not json"),
        ("download", b"[" * 15_000),
        ("download", b'{"name": "' + b"a" * 20_000 + b'"}'),
    ],
)
def test_what_is_not_listed_is_refused_and_nothing_is_written(ask, miniature_server, path, body):
    before = files(miniature_server.base / "models")
    status, data = ask(f"/likeness/models/{path}", body)
    assert status == 400
    assert len(data["error"]) < 1000
    assert files(miniature_server.base / "models") == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"X-Forwarded-For": "8.8.8.8"},
        {"Content-Type": "text/plain"},
    ],
)
@pytest.mark.parametrize("verb", ["download", "convert"])
def test_others_are_refused(ask, headers, verb):
    status, data = ask(f"/likeness/models/{verb}", {"name": "uniportrait-faceid_sd15.bin"}, **headers)
    assert status == 403
    assert "already" not in data["error"]


def test_a_form_cannot_ask_by_get(ask):
    assert ask("/likeness/models/download?name=uniportrait-faceid_sd15.bin")[0] in (404, 405)
