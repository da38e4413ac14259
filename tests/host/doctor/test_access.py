"""Who may make files: this computer's user from ComfyUI's own page, and who else only if its owner says so."""

from __future__ import annotations

import pytest
from likeness.host.doctor.access import ALLOW_REMOTE, refusal

NEAR = {"Content-Type": "application/json", "Host": "127.0.0.1:8188"}
PAGE = {**NEAR, "Origin": "http://127.0.0.1:8188", "Sec-Fetch-Site": "same-origin"}
FAR = {**NEAR, "Host": "comfy.example:8188", "Origin": "http://comfy.example:8188"}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    monkeypatch.delenv(ALLOW_REMOTE, raising=False)


@pytest.mark.parametrize("remote", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    "headers",
    [
        NEAR,
        PAGE,
        {**NEAR, "Host": "localhost"},
        {**NEAR, "Host": "[::1]:8188"},
        {**NEAR, "Content-Type": "application/json; charset=utf-8"},
    ],
)
def test_the_user_of_this_computer_may(remote, headers):
    assert refusal(remote, headers) == ""


@pytest.mark.parametrize("remote", ["192.168.1.7", "8.8.8.8", "::ffff:8.8.8.8", "fe80::1", "", None, "nonsense"])
def test_others_may_not_and_are_told_how_it_could_be(remote):
    said = refusal(remote, NEAR)
    assert "only for the user of the computer" in said
    assert f"{ALLOW_REMOTE}=1" in said


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "192.168.1.2:8188"]
)
def test_a_name_of_somebody_else_that_leads_here_may_not(host):
    assert "only for the user of the computer" in refusal("127.0.0.1", {**NEAR, "Host": host})


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_who_comes_through_a_proxy_may_be_anybody(name):
    assert "only for the user of the computer" in refusal("127.0.0.1", {**NEAR, name: "8.8.8.8"})


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize(
    "headers",
    [
        {**NEAR, "Origin": "https://evil.example"},
        {**NEAR, "Origin": "null"},
        {**NEAR, "Origin": "http://127.0.0.1:9999"},
        {**NEAR, "Sec-Fetch-Site": "cross-site"},
        {**NEAR, "Sec-Fetch-Site": "same-site"},
        {**NEAR, "Origin": "http://["},
    ],
)
def test_another_site_s_page_may_not_even_where_others_may(monkeypatch, headers, allowed):
    if allowed:
        monkeypatch.setenv(ALLOW_REMOTE, "1")
    assert "another site's page" in refusal("127.0.0.1", headers)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_can_send_is_refused(kind):
    assert "application/json" in refusal("127.0.0.1", {**NEAR, "Content-Type": kind})


@pytest.mark.parametrize(("value", "may"), [("1", True), ("0", False), ("", False), ("yes", False)])
def test_whoever_starts_the_server_may_allow_it(monkeypatch, value, may):
    monkeypatch.setenv(ALLOW_REMOTE, value)
    assert (refusal("8.8.8.8", FAR) == "") == may
