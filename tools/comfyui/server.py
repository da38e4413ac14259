"""A headless ComfyUI on a free loopback port, started and stopped by a `with` block, driven over HTTP."""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from ..caches import write_elsewhere
from .folders import REPOSITORY, ComfyFolder

PACK_NAME = "ComfyUI-Likeness"
START_SECONDS = 240.0  # a cold start compiles every imported file once
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1
WANTED_FLAGS = ("--disable-auto-launch", "--disable-api-nodes", "--dont-print-server")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


class ComfyRunError(RuntimeError):
    """ComfyUI refused a prompt, a node raised, or the process died."""


class ComfyServer:
    """One ComfyUI process, with its own base folder; use as a context manager.

    Args:
        folder: the ComfyUI to start; nothing is written into it.
        base: an empty folder for inputs, outputs, models, the user's settings, the database and the log.
        models: model files to link, from "folder/name" below `models/` to the file on this machine.
        packs: further custom node packs to link, from the name they get to their folder.
        arguments: further arguments for ComfyUI's command line.
    """

    def __init__(
        self,
        folder: ComfyFolder,
        base: Path,
        *,
        models: Mapping[str, Path] | None = None,
        packs: Mapping[str, Path] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.base = base
        self.port = 0
        self._models = dict(models or {})
        self._packs = {PACK_NAME: REPOSITORY, **(packs or {})}
        self._arguments = tuple(arguments)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the page, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """Everything ComfyUI printed."""
        return self.base / "comfyui.log"

    @property
    def process_id(self) -> int | None:
        """The process id while the server runs."""
        return self._process.pid if self._process else None

    def __enter__(self) -> ComfyServer:
        """Start ComfyUI and wait until it answers."""
        self._lay_out()
        self.port = _free_port()
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self.base, env=self._environment(), stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop ComfyUI, whatever happened."""
        self.stop()

    def stop(self) -> None:
        """End the process: ask first, then insist."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def object_info(self, node_id: str | None = None) -> dict[str, Any]:
        """Describe all nodes, or the named one, as ComfyUI's page sees them."""
        return self._get("/object_info" + (f"/{urllib.parse.quote(node_id)}" if node_id else ""))

    def queue(self, prompt: Mapping[str, Any], client: str | None = None) -> str:
        """Queue a prompt in API format.

        Args:
            prompt: by node id.
            client: the id under which a page is connected; None for a program that is not.

        Returns:
            The prompt id.

        Raises:
            ComfyRunError: if ComfyUI refuses it; names every node and what it found wrong.
        """
        body = json.dumps({"prompt": prompt, "client_id": client or uuid.uuid4().hex}).encode()
        request = urllib.request.Request(f"{self.url}/prompt", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)["prompt_id"]
        except urllib.error.HTTPError as error:
            raise ComfyRunError(_refusal_text(error.read())) from error
        except OSError as error:
            raise self._died(error) from error

    def wait(self, prompt_id: str, seconds: float = 900.0) -> dict[str, Any]:
        """Wait until a prompt has run.

        Returns:
            Its history entry; `["outputs"]` maps node ids to what they showed.

        Raises:
            ComfyRunError: if a node raised (with its id, class and message), ComfyUI died, or time ran out.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            entry = self._get(f"/history/{prompt_id}").get(prompt_id)
            if entry is not None and entry["status"]["completed"]:
                return entry
            if entry is not None and entry["status"]["status_str"] == "error":
                raise ComfyRunError(_error_text(entry))
            time.sleep(POLL_SECONDS)
        raise ComfyRunError(f"The prompt did not finish in {seconds:.0f} s.\n{self.log_tail()}")

    def run(self, prompt: Mapping[str, Any], seconds: float = 900.0) -> dict[str, Any]:
        """Queue a prompt, wait for it and give its history entry."""
        return self.wait(self.queue(prompt), seconds)

    def add_input(self, source: Path, name: str | None = None) -> str:
        """Copy a picture into the input folder; gives the name that LoadImage takes."""
        name = name or source.name
        shutil.copyfile(source, self.base / "input" / name)
        return name

    def output_files(
        self, entry: Mapping[str, Any], node_id: str | None = None, kind: Literal["images", "latents"] = "images"
    ) -> list[Path]:
        """List the pictures or latents of a history entry, of all nodes or of the named one, in the order they were saved."""
        shown = entry["outputs"] if node_id is None else {node_id: entry["outputs"].get(node_id, {})}
        return [
            self.base / file["type"] / file["subfolder"] / file["filename"]
            for node in shown.values()
            for file in node.get(kind, [])
        ]

    def free(self) -> None:
        """Unload all models and forget all cached results."""
        body = json.dumps({"unload_models": True, "free_memory": True}).encode()
        request = urllib.request.Request(f"{self.url}/free", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60):
            pass

    def log_tail(self, lines: int = 40) -> str:
        """Give the last lines of ComfyUI's log."""
        return "\n".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _lay_out(self) -> None:
        for name in ("custom_nodes", "models", "input", "output", "temp", "user"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        for name, pack in self._packs.items():
            _link(self.base / "custom_nodes" / name, pack)
        for name, file in self._models.items():
            _link(self.base / "models" / name, file)

    def _command(self) -> list[str]:
        known = (self.folder.path / "comfy" / "cli_args.py").read_text(encoding="utf-8")
        command = [str(self.folder.python), str(self.folder.path / "main.py")]
        command += ["--listen", "127.0.0.1", "--port", str(self.port), "--base-directory", str(self.base)]
        command += ["--database-url", f"sqlite:///{self.base / 'user' / 'comfyui.db'}"]
        command += [flag for flag in WANTED_FLAGS if f'"{flag}"' in known]
        if not _has_cuda(self.folder.python):
            command.append("--cpu")
        return [*command, *self._arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **OFFLINE, **write_elsewhere(self.folder.version), "PYTHONUNBUFFERED": "1"}

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise self._died(None)
            try:
                with urllib.request.urlopen(f"{self.url}/system_stats", timeout=5):
                    return
            except OSError:
                time.sleep(POLL_SECONDS)
        raise ComfyRunError(f"ComfyUI did not answer within {START_SECONDS:.0f} s.\n{self.log_tail()}")

    def _get(self, path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=120) as response:
                return json.load(response)
        except OSError as error:
            raise self._died(error) from error

    def _died(self, error: OSError | None) -> ComfyRunError:
        code = self._process.poll() if self._process else None
        seen = f"stopped with code {code}" if code is not None else f"did not answer ({error})"
        return ComfyRunError(f"ComfyUI {self.folder.version} {seen}. The end of its log:\n{self.log_tail()}")


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(target.resolve(), target_is_directory=target.is_dir())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@functools.cache
def _has_cuda(python: Path) -> bool:
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([str(python), "-c", code], stderr=subprocess.DEVNULL, check=False).returncode == 0


def _refusal_text(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except json.JSONDecodeError:
        return f"ComfyUI refused the prompt: {body[:500]!r}"
    lines = [f"ComfyUI refused the prompt: {answer.get('error', {}).get('message', answer)}"]
    for node_id, found in (answer.get("node_errors") or {}).items():
        for error in found["errors"]:
            lines.append(f"node {node_id} ({found['class_type']}): {error['message']}: {error['details']}")
    return "\n".join(lines)


def _error_text(entry: Mapping[str, Any]) -> str:
    for kind, found in entry["status"]["messages"]:
        if kind == "execution_error":
            trace = "".join(found["traceback"])
            where = f"node {found['node_id']} ({found['node_type']})"
            return f"{where} raised {found['exception_type']}: {found['exception_message']}\n{trace}"
    return f"The prompt failed: {entry['status']}"
