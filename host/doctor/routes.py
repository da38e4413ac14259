"""What ComfyUI's page asks the doctor: a report, and on a click a download or a conversion."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from ...models.doctor.catalogue import EVERYTHING, find_known
from ...models.doctor.conversion import convert
from ...models.doctor.download import Progress, download
from ...models.errors import InvalidSettingError, LikenessError
from ...models.weights.known_file import KnownFile
from ..routes import Route
from .access import refusal
from .folders import find_listed, folder_for, report_on
from .jobs import JOBS, Work

PLACE = "/likeness/models"
EVENT = "likeness.models"
MOST_BYTES = 16_384  # of a request's body
LONGEST_CLIENT = 100


async def _report(request: Any) -> Any:
    choice = request.query.get("for", EVERYTHING)
    try:
        report = await asyncio.to_thread(report_on, choice)
    except LikenessError as error:
        return _answer({"error": str(error)}, 400)
    return _answer(report.to_data() | {"job": _last()})


async def _job(request: Any) -> Any:
    return _answer({"job": _last()})


async def _start(prepare: Callable[[dict[str, Any]], tuple[str, str, Work]], request: Any) -> Any:
    refused = refusal(request.remote, request.headers)
    if refused:
        return _answer({"error": refused}, 403)
    try:
        wanted = await _body(request)
        verb, name, work = await asyncio.to_thread(prepare, wanted)
        job = JOBS.start(verb, name, work, partial(_tell, str(wanted.get("client_id", ""))[:LONGEST_CLIENT]))
    except LikenessError as error:
        return _answer({"error": str(error)}, 400)
    return _answer({"job": job.to_data()})


async def _body(request: Any) -> dict[str, Any]:
    """What was sent: a dict of texts."""
    content = await request.content.read(MOST_BYTES + 1)
    try:
        found = None if len(content) > MOST_BYTES else json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InvalidSettingError("The request is no JSON object of texts; reload the page and try again.")
    return found


def _downloading(wanted: dict[str, Any]) -> tuple[str, str, Work]:
    known = find_known(wanted.get("name", ""))
    return "download", known.name, partial(_download, known)


def _converting(wanted: dict[str, Any]) -> tuple[str, str, Work]:
    file = find_listed(wanted.get("folder", ""), wanted.get("name", ""))

    def work(progress: Progress) -> str:
        made = convert(file.path)
        return f"{made.path.name} holds the same bits; {file.path.name} stays. {made.note}".strip()

    return "convert", file.name, work


def _download(known: KnownFile, progress: Progress) -> str:
    found = download(known, folder_for(known), progress)
    return f"{found.path.name} is in {found.path.parent}. {found.note} Press R to see it in the loaders."


def _tell(client: str, job: dict[str, Any]) -> None:
    from server import PromptServer

    if client:  # whoever did not ask does not listen
        PromptServer.instance.send_sync(EVENT, {"job": job}, client)


def _last() -> dict[str, Any] | None:
    job = JOBS.last
    return None if job is None else job.to_data()


def _answer(data: dict[str, Any], status: int = 200) -> Any:
    from aiohttp import web

    return web.json_response(data, status=status)


ROUTES = (
    Route("GET", PLACE, _report),
    Route("GET", f"{PLACE}/job", _job),
    Route("POST", f"{PLACE}/download", partial(_start, _downloading)),
    Route("POST", f"{PLACE}/convert", partial(_start, _converting)),
)
