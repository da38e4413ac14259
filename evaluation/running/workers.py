"""Who works on a run: this process, or processes of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ...models.errors import LikenessError, first_line
from ...models.packages import import_package
from .work import Work, work_on

Tell = Callable[[int], None]  # called with how many pictures more are finished


class Workers(Protocol):
    """Work on pictures until all are done."""

    def run(self, work: Work, label: str | None, numbers: Sequence[int], tell: Tell) -> None:
        """Draw, or measure by the metric of a label, some pictures of the plan.

        Raises:
            LikenessError: for everything that can be mended by the user.
        """
        ...


@dataclass(frozen=True, slots=True)
class ThisProcess:
    """One picture after the other, here; `Workers`."""

    def run(self, work: Work, label: str | None, numbers: Sequence[int], tell: Tell) -> None:
        """See `Workers`."""
        if label is None:
            work.draw(numbers, lambda: tell(1))
        else:
            work.measure(label, numbers, lambda: tell(1))


@dataclass(frozen=True, eq=False, slots=True)
class RayWorkers:
    """Shards of the plan as tasks of a Ray cluster; `Workers`.

    The folders of the protocol must be at the same paths on all its machines. A task that dies is run again and finds what it
    had finished.

    Attributes:
        ray: the package, connected.
        home: module that holds the kit.
        count: shards; at most as many run at the same time as the cluster has room for.
    """

    ray: Any
    home: str
    count: int

    @classmethod
    def connect(cls, home: str, count: int | None = None) -> RayWorkers:
        """Connect to the cluster that RAY_ADDRESS names, else to one that runs on this machine, else start one here.

        Args:
            home: module that holds the kit.
            count: shards; None takes one for each GPU, or for each core where there is none.

        Raises:
            MissingPackageError: if Ray is not installed.
            LikenessError: if no cluster can be reached.
        """
        ray = import_package("ray", "init", "remote", purpose="--ray", otherwise="or leave --ray out")
        if not ray.is_initialized():
            try:
                ray.init(log_to_driver=False, include_dashboard=False)
            except Exception as error:
                raise LikenessError(
                    f"Ray cannot be reached ({first_line(error)}); mend RAY_ADDRESS, or leave --ray out."
                ) from error
        room = ray.cluster_resources()
        return cls(ray, home, count or int(room.get("GPU", 0)) or max(1, int(room.get("CPU", 1))))

    def run(self, work: Work, label: str | None, numbers: Sequence[int], tell: Tell) -> None:
        """See `Workers`."""
        shards = [list(numbers[start :: self.count]) for start in range(self.count)]
        needs = {"num_gpus": 1} if self.ray.cluster_resources().get("GPU") else {"num_cpus": 1}
        task = self.ray.remote(**needs)(_task)
        path, threads = str(work.protocol.path), torch.get_num_threads()
        waiting = {task.remote(path, self.home, label, shard, threads): len(shard) for shard in shards if shard}
        try:
            while waiting:
                [done], _ = self.ray.wait(list(waiting), num_returns=1)
                self._require(done)
                tell(waiting.pop(done))
        finally:
            for each in waiting:  # after a fault the others need not go on
                self.ray.cancel(each)

    def _require(self, done: Any) -> None:
        """Make sure that a task ended well."""
        try:
            fault = self.ray.get(done)
        except self.ray.exceptions.RayError as error:
            raise LikenessError(
                f"A worker of Ray failed ({str(error).strip().splitlines()[-1]}); start again, and what is finished stays."
            ) from error
        if fault is not None:
            raise LikenessError(fault)


def _task(path: str, home: str, label: str | None, numbers: list[int], threads: int) -> str | None:
    """One shard in a process of Ray's; return what the user can mend, as a sentence.

    As many threads as in the process that asks: sums over pixels depend on how they are divided.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(threads)
    try:
        work_on(Path(path), home, label, numbers, lambda: None)
    except LikenessError as error:
        return str(error)
    return None
