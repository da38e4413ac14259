"""One download or conversion at a time, in a thread of its own, with progress for whoever asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from threading import Lock, Thread
from typing import Any, Literal

from ...models.doctor.download import Progress
from ...models.errors import InvalidSettingError, LikenessError, first_line

State = Literal["running", "done", "failed"]
Work = Callable[[Progress], str]  # what is done; gives a sentence on how it ended
Tell = Callable[[dict[str, Any]], None]

PAUSE = 0.5  # seconds between two messages on one job

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is being done, or was done last.

    Attributes:
        verb: "download" or "convert".
        name: of the file.
        state: whether it runs, or how it ended.
        done, total: bytes; both 0 where nobody counts.
        said: a sentence once it has ended.
    """

    verb: str
    name: str
    state: State = "running"
    done: int = 0
    total: int = 0
    said: str = ""

    def to_data(self) -> dict[str, Any]:
        """The job as JSON holds it."""
        return asdict(self)


class Jobs:
    """At most one job at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._job: Job | None = None

    @property
    def last(self) -> Job | None:
        """The job that runs or ran last; None where there was none."""
        with self._lock:
            return self._job

    def start(self, verb: str, name: str, work: Work, tell: Tell) -> Job:
        """Begin a job in a thread of its own.

        Args:
            verb, name: what is done to which file.
            work: does it.
            tell: gets the job as data, at most twice a second while it runs and once when it has ended.

        Raises:
            InvalidSettingError: if another one is running.
        """
        with self._lock:
            if self._job is not None and self._job.state == "running":
                raise InvalidSettingError(
                    f"{self._job.verb} of {self._job.name} is running; wait until it has ended, then try again."
                )
            job = self._job = Job(verb=verb, name=name)
        Thread(target=self._run, args=(work, tell), name=f"likeness {verb}", daemon=True).start()
        return job

    def _run(self, work: Work, tell: Tell) -> None:
        told = -PAUSE

        def progress(done: int, total: int) -> None:
            nonlocal told
            job = self._change(done=done, total=total)
            if time.monotonic() - told >= PAUSE:
                told = time.monotonic()
                tell(job.to_data())

        try:
            said, state = work(progress), "done"
        except LikenessError as error:
            said, state = str(error), "failed"
        except Exception as error:  # a thread's error reaches nobody else
            logger.exception("The model doctor failed")
            said, state = f"It failed ({first_line(error)}); ComfyUI's log says more.", "failed"
        tell(self._change(state=state, said=said).to_data())

    def _change(self, **values: Any) -> Job:
        with self._lock:
            assert self._job is not None
            self._job = replace(self._job, **values)
            return self._job


JOBS = Jobs()
