"""A file comes whole, from where it was cut off, as the file that was meant, or not at all."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import constants
from likeness.models.doctor.download import download
from likeness.models.errors import DownloadError, InvalidSettingError
from likeness.models.weights.known_file import HOST, KnownFile
from likeness.tests.models.doctor.small_hub import PATH, REPOSITORY, small_hub
from safetensors.torch import save

CONTENT = save({"weight": torch.arange(100_000, dtype=torch.int32)})
HASH = hashlib.sha256(CONTENT).hexdigest()
NOBODY = 65534
PAGE = b"<!DOCTYPE html><html><body>Log in to see this file</body></html>" * 9


@pytest.fixture
def hub(monkeypatch):
    with small_hub(CONTENT) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(
            constants, "DOWNLOAD_CHUNK_SIZE", 10_000
        )  # what of a chunk has come is lost with the connection
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield server


def known(**values) -> KnownFile:
    """A file of that server's."""
    told = {
        "name": "small.bin", "folder": "uniportrait", "page": f"{HOST}{REPOSITORY}", "path": PATH, "what": "a file",
        "size": "0.4 MB", "licence": "MIT", "commercial": "yes",
    }  # fmt: skip
    return KnownFile(**(told | values))


def left(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_comes_whole_without_a_token_and_its_progress_is_told(hub, tmp_path):
    seen = []
    found = download(known(sha256=HASH, bytes=len(CONTENT)), tmp_path / "new" / "folder", lambda *at: seen.append(at))
    assert found.path == tmp_path / "new" / "folder" / "small.bin"
    assert found.path.read_bytes() == CONTENT
    assert "hash is that of the published file" in found.note
    assert left(found.path.parent) == ["small.bin"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert hub.tokens == []


@pytest.mark.parametrize(
    ("etag", "note"), [(HASH, "the server states; the pack knows none"), ("c0ffee", "hash is not known")]
)
def test_what_was_checked_is_said(hub, tmp_path, etag, note):
    hub.etag = etag
    assert note in download(known(), tmp_path).note


def test_a_download_that_was_cut_off_goes_on_where_it_was(hub, tmp_path):
    hub.cut_after = 150_000
    with pytest.raises(DownloadError, match=r"broke off .*What has come \(0\.1 MB of 0\.4 MB\) is kept"):
        download(known(sha256=HASH), tmp_path)
    [part] = left(tmp_path)
    assert part.startswith(".small.bin.")
    assert (tmp_path / part).stat().st_size == 150_000
    hub.cut_after, hub.fails = None, False
    hub.ranges.clear()
    assert download(known(sha256=HASH), tmp_path).path.read_bytes() == CONTENT
    assert hub.ranges == ["bytes=150000-"]
    assert left(tmp_path) == ["small.bin"]


def test_a_server_that_begins_anew_is_no_trouble(hub, tmp_path):
    hub.cut_after = 150_000
    with pytest.raises(DownloadError):
        download(known(sha256=HASH), tmp_path)
    hub.cut_after, hub.fails, hub.ignores_range = None, False, True
    assert download(known(sha256=HASH), tmp_path).path.read_bytes() == CONTENT


def test_another_file_is_not_continued_by_the_part_of_the_old_one(hub, tmp_path):
    hub.cut_after = 150_000
    with pytest.raises(DownloadError):
        download(known(), tmp_path)
    hub.content = save({"weight": torch.arange(100_000, 200_000, dtype=torch.int32)})
    hub.etag, hub.cut_after, hub.fails = hashlib.sha256(hub.content).hexdigest(), None, False
    assert download(known(), tmp_path).path.read_bytes() == hub.content


def test_a_file_with_another_hash_is_refused_before_it_comes(hub, tmp_path):
    with pytest.raises(DownloadError, match="it is another file, and nothing was downloaded"):
        download(known(sha256="0" * 64), tmp_path)
    assert hub.ranges == []
    assert left(tmp_path) == []


@pytest.mark.parametrize("told", [{"sha256": "1" * 64}, {}])
def test_a_file_whose_bytes_have_another_hash_is_thrown_away(hub, tmp_path, told):
    hub.etag = "c0ffee" if told else "1" * 64
    with pytest.raises(DownloadError, match=r"has the hash .* and was thrown away"):
        download(known(**told), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize("size", [len(CONTENT) - 1, 10**15])
def test_another_size_than_the_known_one_is_refused_before_it_comes(hub, tmp_path, size):
    hub.size = size
    with pytest.raises(DownloadError, match=r"offers [\d,]+ bytes .* and the published file has"):
        download(known(bytes=len(CONTENT)), tmp_path)
    assert left(tmp_path) == []


def test_a_huge_size_does_not_fill_the_disk(hub, tmp_path):
    hub.size = 10**15
    with pytest.raises(DownloadError, match=r"has .* free and 1000000\.00 GB are needed"):
        download(known(), tmp_path)
    assert hub.ranges == []


def test_more_than_was_announced_is_not_kept(hub, tmp_path):
    hub.surplus = 3_000_000
    with pytest.raises(DownloadError, match="came with more than the 400,080 bytes that were announced"):
        download(known(), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["small.bin", "small.safetensors", "small.onnx"])
def test_a_web_page_is_no_model_file(hub, tmp_path, name):
    hub.content, hub.size, hub.etag = PAGE, len(PAGE), "c0ffee"
    with pytest.raises(DownloadError, match=f"{name} was thrown away.*web page"):
        download(known(name=name), tmp_path)
    assert left(tmp_path) == []


def test_a_truncated_file_is_told_by_its_own_header(hub, tmp_path):
    hub.content = CONTENT[:-50]
    hub.size, hub.etag = len(hub.content), "c0ffee"
    with pytest.raises(DownloadError, match=r"small\.safetensors was thrown away.*truncated"):
        download(known(name="small.safetensors"), tmp_path)
    assert left(tmp_path) == []


def test_a_file_that_is_there_stays(hub, tmp_path):
    (tmp_path / "small.bin").write_text("mine")
    with pytest.raises(InvalidSettingError, match="is there already and was left as it is"):
        download(known(), tmp_path)
    assert (tmp_path / "small.bin").read_text() == "mine"
    assert left(tmp_path) == ["small.bin"]


def test_a_broken_link_counts_as_a_file(hub, tmp_path):
    (tmp_path / "small.bin").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidSettingError, match="is there already"):
        download(known(), tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_is_told_beforehand(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    with pytest.raises(DownloadError, match=r"has 1,000 bytes free and 0\.4 MB are needed"):
        download(known(), tmp_path)
    assert hub.ranges == []


def test_a_disk_that_fills_up_is_one_sentence_and_the_part_stays(hub, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # as a quota: nothing may be longer
    try:
        with pytest.raises(DownloadError, match=r"^The disk of .* is full .* is kept; the next try goes on there\.$"):
            download(known(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert download(known(), tmp_path).path.read_bytes() == CONTENT


def test_a_place_where_no_folder_can_be_is_one_sentence(hub, tmp_path):
    (tmp_path / "uniportrait").write_text("a file in place of the folder")
    with pytest.raises(DownloadError, match=r"Writing into .* failed"):
        download(known(), tmp_path / "uniportrait")


def test_a_read_only_folder_is_one_sentence(hub):
    folder = Path(tempfile.mkdtemp())  # outside of pytest's own, which nobody else may enter
    folder.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:  # whoever may do everything has no read-only folder
            os.seteuid(NOBODY)
        with pytest.raises(DownloadError, match=r"^Nothing can be written into"):
            download(known(), folder)
    finally:
        os.seteuid(user)
    assert left(folder) == []
    folder.rmdir()


def test_offline_is_one_sentence_with_the_address(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadError, match=rf"HF_HUB_OFFLINE is set: .*{HOST}{REPOSITORY}/resolve/main/{PATH}"):
        download(known(), tmp_path)


def test_no_network_is_one_sentence(hub, tmp_path, monkeypatch):
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(DownloadError, match=r"did not tell about small\.bin"):
        download(known(), tmp_path)
    assert left(tmp_path) == []


def test_a_file_that_the_server_does_not_have_is_one_sentence(hub, tmp_path):
    with pytest.raises(DownloadError, match=r"did not tell about small\.bin \(.*404"):
        download(known(path="other.bin"), tmp_path)


def test_a_file_published_elsewhere_is_only_linked(hub, tmp_path):
    with pytest.raises(InvalidSettingError, match=r"is not on huggingface\.co; get it from https://example\.com/page"):
        download(known(page="https://example.com/page", path=""), tmp_path)
