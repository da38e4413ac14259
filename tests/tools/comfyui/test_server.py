"""The runner against a small stand-in server of ours, then against a real ComfyUI."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from likeness.tools.comfyui.server import PACK_NAME, ComfyRunError, ComfyServer
from PIL import Image

STAND_IN = """
import argparse, json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
known, _ = parser.parse_known_args()
print("arguments:", " ".join(sys.argv[1:]), flush=True)
class Handler(BaseHTTPRequestHandler):
    def answer(self, code, value):
        self.send_response(code); self.end_headers(); self.wfile.write(json.dumps(value).encode())
    def do_GET(self):
        if self.path.startswith("/history/bad"):
            error = {"node_id": "7", "node_type": "Mixer", "exception_type": "ValueError",
                     "exception_message": "too much", "traceback": ["the trace"]}
            status = {"completed": False, "status_str": "error", "messages": [["execution_error", error]]}
            return self.answer(200, {"bad": {"status": status, "outputs": {}}})
        if self.path.startswith("/history/good"):
            status = {"completed": True, "status_str": "success", "messages": []}
            image = {"filename": "a.png", "subfolder": "s", "type": "output"}
            latent = {**image, "filename": "a.latent"}
            return self.answer(200, {"good": {"status": status, "outputs": {"3": {"images": [image], "latents": [latent]}}}})
        self.answer(200, {})
    def do_POST(self):
        prompt = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
        if "die" in prompt:
            print("out of memory", flush=True)
            import os; os._exit(9)
        if "refused" in prompt:
            errors = {"5": {"class_type": "Mixer", "errors": [{"message": "too small", "details": "speed"}]}}
            return self.answer(400, {"error": {"message": "failed validation"}, "node_errors": errors})
        self.answer(200, {"prompt_id": next(iter(prompt))})
HTTPServer(("127.0.0.1", known.port), Handler).serve_forever()
"""


@dataclass
class StandIn:
    """A folder that looks like a ComfyUI to the runner."""

    path: Path
    version: str = "0.0.0"
    python: Path = Path(sys.executable)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> StandIn:
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "ComfyUI"
    (path / "comfy").mkdir(parents=True)
    (path / "main.py").write_text(STAND_IN)
    (path / "comfy" / "cli_args.py").write_text('parser.add_argument("--disable-auto-launch")')
    return StandIn(path)


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_process_is_stopped_even_when_the_block_raises(folder, tmp_path):
    server = ComfyServer(folder, tmp_path / "base")
    seen = []

    def block():
        with server:
            seen.append((server.process_id, is_running(server.process_id)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        block()
    [(process_id, was_running)] = seen
    assert was_running
    assert not is_running(process_id)
    assert server.process_id is None


def test_a_process_that_will_not_end_is_killed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("likeness.tools.comfyui.server.STOP_SECONDS", 0.2)
    main = folder.path / "main.py"
    main.write_text("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + main.read_text())
    with ComfyServer(folder, tmp_path / "base") as server:
        process_id = server.process_id
    assert process_id
    assert not is_running(process_id)


def test_a_process_that_dies_at_start_shows_its_log(folder, tmp_path):
    (folder.path / "main.py").write_text("raise SystemExit('no module named torchsde')")
    with pytest.raises(ComfyRunError, match="stopped with code 1") as caught, ComfyServer(folder, tmp_path / "base"):
        pass
    assert "no module named torchsde" in str(caught.value)


def test_failures_say_which_node_and_why(folder, tmp_path):
    with ComfyServer(folder, tmp_path / "base") as server:
        with pytest.raises(ComfyRunError, match=r"node 5 \(Mixer\): too small: speed"):
            server.run({"refused": {}})
        with pytest.raises(ComfyRunError, match=r"node 7 \(Mixer\) raised ValueError: too much\nthe trace"):
            server.run({"bad": {}})
        with pytest.raises(ComfyRunError, match="did not finish"):
            server.run({"never": {}}, seconds=0.3)
        with pytest.raises(ComfyRunError, match="out of memory"):
            server.run({"die": {}})


def test_only_known_flags_are_passed_and_models_and_packs_are_linked(folder, tmp_path):
    weights, pack = tmp_path / "w.bin", tmp_path / "peer"
    weights.touch()
    pack.mkdir()
    models = {"checkpoints/a.bin": weights}
    with ComfyServer(folder, tmp_path / "base", models=models, packs={"peer": pack}, arguments=["--lowvram"]) as server:
        entry = server.run({"good": {}})
        assert server.output_files(entry) == [tmp_path / "base" / "output" / "s" / "a.png"]
        assert server.output_files(entry, "4") == []
        assert server.output_files(entry, "3", "latents") == [tmp_path / "base" / "output" / "s" / "a.latent"]
        log = server.log_file.read_text()
    assert "--disable-auto-launch" in log
    assert "--disable-api-nodes" not in log
    assert "--lowvram" in log
    base = tmp_path / "base"
    assert (base / "models" / "checkpoints" / "a.bin").resolve() == weights
    assert {link.name for link in (base / "custom_nodes").iterdir()} == {PACK_NAME, "peer"}


PROMPT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "in.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "runner/out"}},
}


@pytest.mark.comfy
def test_a_real_comfyui_runs_a_prompt(miniature_server, tmp_path):
    Image.new("RGB", (16, 8), (255, 0, 10)).save(tmp_path / "in.png")
    miniature_server.add_input(tmp_path / "in.png")
    [file] = miniature_server.output_files(miniature_server.run(PROMPT), "3")
    with Image.open(file) as picture:
        assert picture.size == (16, 8)
        assert picture.getpixel((3, 3)) == (0, 255, 245)


@pytest.mark.comfy
def test_a_real_comfyui_refuses_with_the_nodes_name(miniature_server):
    wrong = {**PROMPT, "1": {"class_type": "LoadImage", "inputs": {"image": "no-such-file.png"}}}
    with pytest.raises(ComfyRunError, match=r"node 1 \(LoadImage\)"):
        miniature_server.run(wrong)


@pytest.mark.comfy
def test_the_pack_is_there_with_the_weights(comfy_server):
    inputs = comfy_server.object_info("LikenessLoadUniPortrait")["LikenessLoadUniPortrait"]["input"]["required"]
    assert "uniportrait-faceid_sd15.bin" in str(inputs["faceid"])


@pytest.mark.comfy
def test_nothing_is_written_into_the_comfyui_folder(miniature_server, comfy_folder, comfy_files_before):
    assert miniature_server.process_id, "the server must have run"
    after = list_files(comfy_folder.path)
    changed = {name for name in comfy_files_before.keys() | after if comfy_files_before.get(name) != after.get(name)}
    assert not changed


def list_files(folder: Path) -> dict[str, tuple[int, int]]:
    found = ((path, path.lstat()) for path in folder.rglob("*"))
    return {str(path.relative_to(folder)): (status.st_size, status.st_mtime_ns) for path, status in found}
