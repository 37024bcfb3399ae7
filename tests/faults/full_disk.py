"""Scenes in which there is no room left for what comes, and then there is again."""

import contextlib
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager

from crowd import Crowd
from kills import serving
from services import answers, until
from tally import count

_SIZE = "200m"
_MIB = 2**20


@contextmanager
def small_disk(folder):
    """A file system of its own that is soon full; None where nothing can be mounted."""
    folder.mkdir()
    mounted = shutil.which("mount") and not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield SmallDisk(folder) if mounted else None
    finally:
        if mounted:
            subprocess.check_call(["umount", "-l", str(folder)])


class SmallDisk:
    """A real disk, filled up with a file and given back."""

    name = "full disk"

    def __init__(self, folder):
        self.home = folder / "home"
        self._filler = folder / "filler"

    def fill(self, part):
        """Leave not a byte."""
        file = os.open(self._filler, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        with contextlib.suppress(OSError):
            for size in (_MIB, 4_096, 1):
                with contextlib.suppress(OSError):
                    while os.write(file, bytes(size)):
                        pass
        os.close(file)

    def empty(self, part):
        """Give all room back."""
        self._filler.unlink()


class SmallFiles:
    """A limit on the size of files that the running server may write; no one needs to be root."""

    name = "no file may grow"

    def __init__(self, home):
        self.home = home

    def fill(self, part):
        """Let no file grow that is larger than the smallest log of all."""
        resource.prlimit(part.pid, resource.RLIMIT_FSIZE, (_SMALLEST, resource.RLIM_INFINITY))

    def empty(self, part):
        """Take the limit back; a process that has ended took it along."""
        if part is None:
            return
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(part.pid, resource.RLIMIT_FSIZE, unlimited)


_SMALLEST = 4_096


def _fill(space, part, crowd):
    """Let the load run for a while, then fill the disk; return when it is felt."""
    taken, refused = len(crowd.acknowledged), len(crowd.refusals)
    until(lambda: len(crowd.acknowledged) > taken + 300, "the load to be taken", 60)
    space.fill(part)
    until(lambda: len(crowd.refusals) > refused + 20, "the disk to be full", 60)


def refusals_of(crowd):
    """Return the different answers other than 200."""
    return {(status, body.get("code")) for status, body, _ in crowd.refusals}


def full_under_load(space, place, tmp_path, seed, look, rounds=1, forked=True):
    """Fill the disk in mid load, look at the service, make room again: no restart is needed.

    `look(settings, keys, crowd)` is called while nothing can be written. After these rounds the
    service is killed once more while the disk is full, and started when there is room.
    """
    settings, keys, (part,) = serving(place, tmp_path, forked=forked)
    part.start()
    part.when_ready()
    try:
        with Crowd(settings, keys.write_key, seed) as crowd:
            for _ in range(rounds):
                _fill(space, part, crowd)
                look(settings, keys, crowd)
                space.empty(part)
            _fill(space, part, crowd)
            part.kill()
            space.empty(None)
            part.start()
            part.when_ready()
            crowd.finish()
        assert refusals_of(crowd) == {(503, "store_unavailable")}
        assert answers(settings, "/health/ready")
    finally:
        part.stop()
    return count(space.name, settings, crowd)
