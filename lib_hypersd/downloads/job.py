"""Downloads of catalog files into the host's LoRA folder, each in a thread of its own.

A file arrives under a temporary name that no host lists, `FILE.ETAG.part`, and gets its own name when size and hash
are right: by os.replace, so that nobody ever sees half a file. A part that stayed behind is taken up again, after a
restart of the WebUI too. Nothing here is named by a user: file, address and folder come from the catalog and the host.

Links: whoever keeps LoRAs on another drive links to them, and the hosts follow such links; so a linked folder is
written into and a linked file is read, its header alone. But nothing is ever written through a link to a file: one that
stands in the part's place is refused, and one in the file's place is replaced by the file, what it led to left alone.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import logging
import os
import re
import shutil
import stat
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ..models.catalog import Variant
from ..models.safetensors_header import DamagedFileError, read_header
from ..text import amount
from . import hub

try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None  # type: ignore[assignment]

fcntl: Any = _fcntl

State = Literal["waiting", "running", "checking", "done", "failed", "cancelled"]
ACTIVE: tuple[State, ...] = ("waiting", "running", "checking")

RETRY_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before a broken connection is taken up again; they begin anew once bytes have arrived."""
WINDOW_S = 10.0
"""The speed is an average over the last so many seconds."""
SAMPLE_S = 0.25
KEPT = 100
"""So many downloads can be asked for by their id; then the oldest finished ones are forgotten."""
HASH_CHUNK_BYTES = 1024 * 1024
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Download:
    """One download as it stands: sizes in bytes, `seconds_left` None where nothing tells it yet.

    `name` is the variant's. `total_bytes` is the catalog's rounded size until the hub has told the true one.
    """

    id: str
    name: str
    state: State
    done_bytes: int
    total_bytes: int
    bytes_per_second: float
    seconds_left: float | None
    message: str

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


class Downloads:
    """The downloads of one process: different files side by side, one at a time of the same file."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, retry_s: Sequence[float] = RETRY_S) -> None:
        self._clock, self._retry_s = clock, tuple(retry_s)
        self._lock = threading.Lock()
        self._by_id: dict[str, _Job] = {}
        self._latest: dict[str, _Job] = {}

    def start(self, variant: Variant, folder: str, *, done: Callable[[], None]) -> Download:
        """Begin to download a file, or join the download of it that is under way.

        `done` is called in the download's thread when the file is in place. Nothing is raised: what goes wrong is
        told by the download's state and message. A whole file of that name stays as it is, a damaged one is replaced.
        """
        with self._lock:
            before = self._latest.get(variant.name)
            if before is not None and before.active:
                return before.snapshot()
            job = _Job(variant, folder, done, self._clock, self._retry_s, after=before)
            self._latest[variant.name] = self._by_id[job.id] = job
            self._forget_old()
        job.start()
        return job.snapshot()

    def get(self, id: str) -> Download | None:
        with self._lock:
            job = self._by_id.get(id)
        return job.snapshot() if job else None

    def of(self, variant_name: str) -> Download | None:
        """The latest download of a file."""
        with self._lock:
            job = self._latest.get(variant_name)
        return job.snapshot() if job else None

    def cancel(self, id: str) -> Download | None:
        """Cancel a download, unless it has ended already. It counts as cancelled at once; its part goes when its
        thread notices, at the latest when the connection times out."""
        with self._lock:
            job = self._by_id.get(id)
        return job.cancel() if job else None

    def join(self, id: str, timeout_s: float | None = None) -> Download | None:
        """Wait until a download's thread has ended, and tell how it stands then."""
        with self._lock:
            job = self._by_id.get(id)
        if job is None:
            return None
        job.join(timeout_s)
        return job.snapshot()

    def _forget_old(self) -> None:
        for job in list(self._by_id.values()):
            if len(self._by_id) <= KEPT:
                return
            if not job.active and self._latest.get(job.variant.name) is not job:
                del self._by_id[job.id]


class _CancelledError(Exception):
    """The person cancelled; nothing is left to tell."""


class _FailedError(Exception):
    """The message, as the person will read it."""


class _SpoiltError(_FailedError):
    """What came is not what the hub said: nothing of it is worth keeping."""


class _Job:
    """One download: what is known of it, which any thread may ask, and its own thread."""

    def __init__(
        self,
        variant: Variant,
        folder: str,
        done: Callable[[], None],
        clock: Callable[[], float],
        retry_s: Sequence[float],
        after: _Job | None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.variant = variant
        self._folder, self._path = folder, os.path.join(folder, variant.file)
        self._done, self._retry_s, self._after = done, retry_s, after
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._in_place = False
        self._state: State = "waiting"
        self._message = f"Asking for {variant.file}."
        self._done_bytes, self._total_bytes = 0, variant.size
        self._speed = Speed(clock)
        self._thread = threading.Thread(target=self._run, name=f"download {variant.name}", daemon=True)

    # What any thread may ask -----------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        return self._state in ACTIVE

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:
            self._set("failed", self._not_downloaded("the system gives no further thread; try again later"))

    def join(self, timeout_s: float | None = None) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def snapshot(self) -> Download:
        with self._lock:
            speed = self._speed.bytes_per_second() if self._state == "running" else 0.0
            left = (self._total_bytes - self._done_bytes) / speed if speed >= 1 else None
            return Download(
                self.id,
                self.variant.name,
                self._state,
                self._done_bytes,
                self._total_bytes,
                speed,
                left,
                self._message,
            )

    def cancel(self) -> Download:
        with self._lock:
            if self.active and not self._in_place:
                self._cancelled.set()
                self._state = "cancelled"
                self._message = f"Cancelled: {self.variant.file} was not downloaded, and what had come is removed."
        return self.snapshot()

    # The thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            if self._after is not None:  # one that was cancelled may still hold its part
                self._after.join()
                self._after = None
            self._set("done", self._download())
        except _CancelledError:
            pass
        except _FailedError as failure:
            self._set("failed", str(failure))
        except OSError as error:
            told = error.strerror or type(error).__name__
            self._set("failed", self._not_downloaded(f"the LoRA folder can't be written ({told}); mend that"))
        except BaseException as error:  # whatever it is, the page must not wait for ever
            _log.exception("The download of %s stopped", self.variant.file)
            told = f"an error of the extension ({type(error).__name__}); look at the WebUI's console"
            self._set("failed", self._not_downloaded(told))
        finally:
            if self._cancelled.is_set():
                self._remove_parts()

    def _download(self) -> str:
        """The whole way; the sentence to end with. Raises _FailedError, _CancelledError, OSError."""
        file = self.variant.file
        if not self._folder:
            raise _FailedError(self._not_downloaded("the WebUI has no LoRA folder; turn its Lora extension on"))
        if _is_whole(self._path):
            size = os.path.getsize(self._path)
            self._set_bytes(size, size)
            self._remove_parts()
            return f"{file} is in the LoRA folder already."
        os.makedirs(self._folder, exist_ok=True)
        try:
            remote = hub.look_up(self.variant)
        except hub.HubError as error:
            raise _FailedError(self._not_downloaded(str(error))) from error
        with _alone(f"{self._path}.{_short(remote.etag)}.part") as part:
            if part is None:
                raise _FailedError(f"{file} is being downloaded into this folder by another WebUI; wait for that one.")
            checked = self._bring(part, remote)
        return f"{file} is in the LoRA folder{checked}.{self._refresh()}"

    def _bring(self, part: str, remote: hub.RemoteFile) -> str:
        """From the part to the file; what is worth saying of it. Raises as _download does."""
        try:
            self._check_room(part, remote)
            self._receive(part, remote)
            checked = self._check(part, remote)
            self._put_in_place(part)
        except _SpoiltError:
            _remove(part)
            raise
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            _remove(part)
            raise _FailedError(self._no_room(remote.size)) from error
        finally:
            if _size(part) == 0:
                _remove(part)
        return checked

    def _receive(self, part: str, remote: hub.RemoteFile) -> None:
        """Bring the part to the file's size, over as many connections as it takes."""
        self._set("running", f"Downloading {self.variant.file}.")
        have = _size(part)
        if have > remote.size:
            have = 0
        self._set_bytes(have, remote.size, anew=True)
        pauses = iter(self._retry_s)
        while have < remote.size:
            self._stop_if_cancelled()
            try:
                self._receive_once(part, remote, have)
            except hub.HubError as error:
                if _size(part) > have:
                    pauses = iter(self._retry_s)
                self._pause(error, next(pauses, None))
            have = _size(part)

    def _receive_once(self, part: str, remote: hub.RemoteFile, have: int) -> None:
        """One connection. Raises hub.HubError, OSError."""
        with hub.opened(remote, have) as (first, chunks), open(part, "ab", opener=_plain_file) as file:
            file.truncate(first)
            file.seek(first)
            self._set_bytes(first, remote.size, anew=first != have)
            for chunk in chunks:
                self._stop_if_cancelled()
                if file.tell() + len(chunk) > remote.size:
                    raise self._spoilt("is larger than the hub said")
                file.write(chunk)
                self._set_bytes(file.tell(), remote.size)
            complete = file.tell() == remote.size
        if not complete:
            raise hub.HubError("the connection ended too early; try again", passing=True)

    def _pause(self, error: hub.HubError, seconds: float | None) -> None:
        if seconds is None or not error.passing:
            kept = " (what has come is kept)" if self._done_bytes else ""
            raise _FailedError(self._not_downloaded(f"{error}{kept}")) from error
        self._set("running", f"The connection broke; going on with {self.variant.file} in {seconds:.0f} s.")
        if self._cancelled.wait(seconds):
            raise _CancelledError
        self._set("running", f"Downloading {self.variant.file}.")

    def _check(self, part: str, remote: hub.RemoteFile) -> str:
        """Compare the whole part with what the hub said; what is worth saying of it. Raises _FailedError."""
        self._set("checking", f"Checking {self.variant.file}.")
        if remote.sha256 is None:
            try:
                read_header(part)
            except DamagedFileError as error:
                raise self._spoilt(str(error)) from error
            return "; the hub told no SHA-256 of it, so only its size and header were checked"
        digest = hashlib.sha256()
        with open(part, "rb", opener=_plain_file) as file:
            while chunk := file.read(HASH_CHUNK_BYTES):
                self._stop_if_cancelled()
                digest.update(chunk)
        if digest.hexdigest() != remote.sha256:
            raise self._spoilt("has another SHA-256 than the hub says")
        return ""

    def _put_in_place(self, part: str) -> None:
        with open(part, "rb+", opener=_plain_file) as file:
            os.fsync(file.fileno())
        with self._lock:  # once a person has been told "cancelled", no file may appear
            self._stop_if_cancelled()
            os.replace(part, self._path)
            self._in_place = True
        self._remove_parts()

    def _remove_parts(self) -> None:
        """Of a cancelled download, of an earlier version of the file, of one that came another way in the end."""
        for path in glob.glob(f"{glob.escape(self._path)}.*.part"):
            if not os.path.isfile(path) or os.path.islink(path):  # none of ours
                continue
            with _alone(path) as part:  # another WebUI may be at work on it
                if part is not None:
                    _remove(part)

    def _refresh(self) -> str:
        try:
            self._done()
        except Exception:
            _log.exception("The WebUI's LoRA list could not be read anew")
            return " Press the refresh button of the Lora tab to see it."
        return ""

    def _check_room(self, part: str, remote: hub.RemoteFile) -> None:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:  # some network file systems don't tell
            return
        missing = remote.size - _size(part)
        if missing > free:
            raise _FailedError(self._no_room(missing, free))

    # Telling ---------------------------------------------------------------------------------------------------

    def _set(self, state: State, message: str) -> None:
        """What has ended stays as it ended: a cancelled download never becomes done or failed."""
        with self._lock:
            if self.active:
                self._state, self._message = state, message

    def _set_bytes(self, done: int, total: int, *, anew: bool = False) -> None:
        """`anew`: these bytes did not come just now, so they count for no speed."""
        with self._lock:
            self._done_bytes, self._total_bytes = done, total
            self._speed.note(done, anew=anew)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise _CancelledError

    def _not_downloaded(self, why: str) -> str:
        return (
            f"{self.variant.file} was not downloaded: {why}, or get it by hand from "
            f"https://huggingface.co/{self.variant.repo} and put it into the LoRA folder."
        )

    def _no_room(self, missing: int, free: int | None = None) -> str:
        there = "the disk is full" if free is None else f"only {amount(free)} are free"
        return (
            f"{self.variant.file} was not downloaded: it takes {amount(missing)} on the LoRA folder's disk and "
            f"{there}; make room there and download it again."
        )

    def _spoilt(self, what: str) -> _SpoiltError:
        return _SpoiltError(self._not_downloaded(f"what came {what} and was removed; try again"))


class Speed:
    """Bytes per second over a sliding window."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def note(self, total: int, *, anew: bool = False) -> None:
        """So many bytes are there now; `anew` forgets what was before."""
        now = self._clock()
        self._bytes = total
        if anew:
            self._samples.clear()
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_S:
            self._samples.append((now, total))
        self._forget(now - WINDOW_S)

    def _forget(self, then: float) -> None:
        while len(self._samples) > 1 and self._samples[1][0] <= then:
            self._samples.popleft()

    def bytes_per_second(self) -> float:
        now = self._clock()
        self._forget(now - WINDOW_S)
        if not self._samples or now <= self._samples[0][0]:
            return 0.0
        then, before = self._samples[0]
        return max(self._bytes - before, 0) / (now - then)


def _is_whole(path: str) -> bool:
    try:
        read_header(path)
    except (DamagedFileError, FileNotFoundError):
        return False
    return True


@contextmanager
def _alone(part: str) -> Iterator[str | None]:
    """The part's path, locked against other WebUIs that share the folder; None where one of them has it.

    Where the system has no such locks, two of them would spoil each other's part, and the hash would tell.
    """
    with open(part, "ab", opener=_plain_file) as file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError:
            _log.debug("The LoRA folder's file system has no locks")
        if not fcntl:
            file.close()  # Windows renames no open file
        yield part


def _plain_file(path: str, flags: int) -> int:
    """An opener for open(): the part, never what a link in its place leads to, which may be anybody's file."""
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, f"{os.path.basename(path)} is no plain file")
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)  # nor has become one since


def _short(etag: str) -> str:
    """Enough of an etag to tell two versions of a file apart, safe in a file name."""
    return re.sub(r"[^0-9A-Za-z]", "", etag)[:12] or "unnamed"


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        _log.debug("%s could not be removed", os.path.basename(path))


registry = Downloads()
"""The one of this process."""
