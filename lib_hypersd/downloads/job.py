"""One download of a catalog file into the host's LoRA folder, in a thread of its own.

A file arrives under a temporary name that no host lists, in a part of this process's own (part.py), and gets its own
name when size and hash are right: by os.replace, so that nobody ever sees half a file, or one that is still written
to. A part that was left behind is continued, after a restart of the WebUI too. Nothing here is named by a user: file,
address and folder come from the catalog and the host.

Links: whoever keeps LoRAs on another drive links to them, and the hosts follow such links; so a linked folder is
written into and a linked file is read, its header alone. But nothing is ever written through a link to a file: one that
is named like a part is left alone, and one in the file's place is replaced by the file, its target left alone.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from .. import files
from ..files import patiently, plain_file, remove, size_of
from ..models.catalog import Variant
from ..models.file_header import DamagedFileError
from ..models.headers import read_header
from ..text import amount
from . import hub
from .part import Part, claim, lock, part_name, remove_all, remove_left
from .speed import Speed
from .state import Download, State

RETRY_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before a broken connection is tried again; they begin anew once bytes have arrived."""
HASH_CHUNK_BYTES = 1024 * 1024
_HELD_OPEN = (
    "all of it has come, but another program, such as a virus scanner or a WebUI, has the file open; close that or "
    "wait a moment and try again"
)
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

_log = logging.getLogger(__name__)


class _CancelledError(Exception):
    """The person cancelled; no message is left to give."""


class _FailedError(Exception):
    """A failure; its text is the message for the person."""


class _NotDownloadedError(Exception):
    """A failure; its text is a reason in HubError's form."""


class _ThereError(Exception):
    """Another WebUI has put the file in place meanwhile."""


class _SpoiltError(_NotDownloadedError):
    """The bytes are not those that the hub announced: none of them is worth keeping."""

    def __init__(self, what: str) -> None:
        super().__init__(f"what came {what} and was removed; try again")


class Job:
    """One download: its state, which any thread may read, and its own thread."""

    def __init__(
        self,
        variant: Variant,
        folder: str,
        done: Callable[[], None],
        clock: Callable[[], float],
        retry_s: Sequence[float],
        after: Job | None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.variant = variant
        self._folder, self._path = folder, os.path.join(folder, variant.file)
        self._done, self._retry_s = done, retry_s
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._in_place = False
        self._now = Download(
            self.id, variant.name, "waiting", 0, variant.size, 0.0, None, f"Asking for {variant.file}."
        )
        self._speed = Speed(clock)
        self._thread = threading.Thread(target=self._run, args=(after,), name=f"download {variant.name}", daemon=True)

    # From any thread -------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        return self._now.active

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:
            self._fail("the system gives no further thread; try again later")

    def join(self, timeout_s: float | None = None) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def snapshot(self) -> Download:
        with self._lock:
            now = self._now
            speed = self._speed.bytes_per_second() if now.state == "running" else 0.0
            left = (now.total_bytes - now.done_bytes) / speed if speed >= 1 else None
            return replace(now, bytes_per_second=speed, seconds_left=left)

    def cancel(self) -> Download:
        with self._lock:
            if self.active and not self._in_place:
                self._cancelled.set()
                message = f"Cancelled: {self.variant.file} was not downloaded, and what had come is removed."
                self._now = replace(self._now, state="cancelled", message=message)
        return self.snapshot()

    # The thread ------------------------------------------------------------------------------------------------

    def _run(self, after: Job | None) -> None:
        try:
            if after is not None:  # one that was cancelled may still hold its part
                after.join()
            self._set("done", self._download())
        except _CancelledError:
            pass
        except _FailedError as failure:
            self._set("failed", str(failure))
        except (hub.HubError, _NotDownloadedError) as error:
            self._fail(str(error))
        except OSError as error:
            self._fail(_why_not_written(error, self._path))
        except BaseException as error:  # whatever it is, the page must not wait for ever
            _log.exception("The download of %s stopped", self.variant.file)
            self._fail(f"an error of the extension ({type(error).__name__}); look at the WebUI's console")
        finally:
            if self._cancelled.is_set():
                remove_left(self._path)

    def _download(self) -> str:
        """Download the file; the message to end with. Raises OSError, HubError and the errors above."""
        file = self.variant.file
        if not self._folder:
            raise _NotDownloadedError("the WebUI has no LoRA folder; turn its Lora extension on")
        if _is_whole(self._path):
            return self._found()
        os.makedirs(self._folder, exist_ok=True)
        with lock(self._path) as state:
            if state == "busy":
                raise _FailedError(f"{file} is being downloaded into this folder by another WebUI; wait for that one.")
            remote = hub.look_up(self.variant)
            part = claim(self._path, _short(remote.etag), alone=state == "held")
            try:
                checked = self._bring(part, remote)
            except _ThereError:
                return f"{self._found()}{self._refresh()}"
        return f"{file} is in the LoRA folder{checked}.{self._refresh()}"

    def _found(self) -> str:
        """The message where the file is there and whole; nobody's part of it is needed any more."""
        size = os.path.getsize(self._path)
        self._set_bytes(size, size)
        remove_all(self._path)
        return f"{self.variant.file} is in the LoRA folder already."

    def _bring(self, part: Part, remote: hub.RemoteFile) -> str:
        """Fill the part and make it the file; a remark for the message. Raises as _download does, and _ThereError."""
        try:
            self._check_room(part.path, remote)
            part.inherit(remote.size, self._stop_if_cancelled)
            self._receive(part.path, remote)
            self._stop_if_there()
            checked = self._check(part.path, remote)
            self._put_in_place(part.path)
        except _SpoiltError:
            part.remove()
            raise
        except FileNotFoundError as error:
            self._stop_if_there()
            raise _NotDownloadedError("another program has removed what had come; try again") from error
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            remove(part.path)
            raise _FailedError(self._no_room(remote.size)) from error
        finally:
            if self._cancelled.is_set() or size_of(part.path) == 0:
                remove(part.path)
        return checked

    def _receive(self, part: str, remote: hub.RemoteFile) -> None:
        """Bring the part to the file's size, over as many connections as it takes."""
        self._set("running", f"Downloading {self.variant.file}.")
        have = size_of(part) if size_of(part) <= remote.size else 0
        self._set_bytes(have, remote.size, anew=True)
        pauses = iter(self._retry_s)
        while have < remote.size:
            self._stop_if_cancelled()
            self._stop_if_there()
            try:
                self._receive_once(part, remote, have)
            except hub.HubError as error:
                if size_of(part) > have:
                    pauses = iter(self._retry_s)
                self._pause(error, next(pauses, None))
            have = size_of(part)

    def _receive_once(self, part: str, remote: hub.RemoteFile, have: int) -> None:
        """One connection. Raises hub.HubError, OSError."""
        with hub.opened(remote, have) as (first, chunks), open(part, "ab", opener=plain_file) as file:
            if os.fstat(file.fileno()).st_size < first:
                raise hub.HubError("another program has removed what had come; try again", passing=True)
            file.truncate(first)
            file.seek(first)
            self._set_bytes(first, remote.size, anew=first != have)
            for chunk in chunks:
                self._stop_if_cancelled()
                if file.tell() + len(chunk) > remote.size:
                    raise _SpoiltError("is larger than the hub said")
                file.write(chunk)
                self._set_bytes(file.tell(), remote.size)
            complete = file.tell() == remote.size
        if not complete:
            raise hub.HubError("the connection ended too early; try again", passing=True)

    def _pause(self, error: hub.HubError, seconds: float | None) -> None:
        if seconds is None or not error.passing:
            kept = " (what has come is kept)" if self._now.done_bytes else ""
            raise hub.HubError(f"{error}{kept}") from error
        self._set("running", f"The connection broke; going on with {self.variant.file} in {seconds:.0f} s.")
        if self._cancelled.wait(seconds):
            raise _CancelledError
        self._set("running", f"Downloading {self.variant.file}.")

    def _check(self, part: str, remote: hub.RemoteFile) -> str:
        """Compare the whole part with what the hub said; a remark for the message. Raises _SpoiltError."""
        self._set("checking", f"Checking {self.variant.file}.")
        if remote.sha256 is None:
            try:
                read_header(part)
            except DamagedFileError as error:
                raise _SpoiltError(str(error)) from error
            return "; the hub told no SHA-256 of it, so only its size and header were checked"
        digest = hashlib.sha256()
        with open(part, "rb", opener=plain_file) as file:
            while chunk := file.read(HASH_CHUNK_BYTES):
                self._stop_if_cancelled()
                digest.update(chunk)
        if digest.hexdigest() != remote.sha256:
            raise _SpoiltError("has another SHA-256 than the hub says")
        return ""

    def _put_in_place(self, part: str) -> None:
        try:
            patiently(lambda: self._rename(part))
        except PermissionError as error:
            if not files.WINDOWS:
                raise
            raise _NotDownloadedError(_HELD_OPEN) from error
        remove_all(self._path)

    def _rename(self, part: str) -> None:
        with open(part, "rb+", opener=plain_file) as file:
            os.fsync(file.fileno())
        self._stop_if_there()
        with self._lock:  # once a person has read "cancelled", no file may appear
            self._stop_if_cancelled()
            os.replace(part, self._path)
            self._in_place = True

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
        except OSError:  # some network file systems don't know
            return
        missing = remote.size - size_of(part)
        if missing > free:
            raise _FailedError(self._no_room(missing, free))

    # The state -------------------------------------------------------------------------------------------------

    def _set(self, state: State, message: str) -> None:
        """Set state and message; an ended download stays as it is: a cancelled one never becomes done or failed."""
        with self._lock:
            if self.active:
                self._now = replace(self._now, state=state, message=message)

    def _set_bytes(self, done: int, total: int, *, anew: bool = False) -> None:
        """`anew`: these bytes did not arrive just now, so they count for no speed."""
        with self._lock:
            self._now = replace(self._now, done_bytes=done, total_bytes=total)
            self._speed.note(done, anew=anew)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise _CancelledError

    def _stop_if_there(self) -> None:
        if _is_whole(self._path):
            raise _ThereError

    def _fail(self, why: str) -> None:
        by_hand = f"or get it by hand from https://huggingface.co/{self.variant.repo} and put it into the LoRA folder."
        self._set("failed", f"{self.variant.file} was not downloaded: {why}, {by_hand}")

    def _no_room(self, missing: int, free: int | None = None) -> str:
        there = "the disk is full" if free is None else f"only {amount(free)} are free"
        return (
            f"{self.variant.file} was not downloaded: it takes {amount(missing)} on the LoRA folder's disk and "
            f"{there}; make room there and download it again."
        )


def _is_whole(path: str) -> bool:
    try:
        read_header(path)
    except (DamagedFileError, FileNotFoundError):
        return False
    return True


def _why_not_written(error: OSError, path: str) -> str:
    if files.is_too_long(part_name(path, _short("0" * 64), alone=True)):
        return "its path in the LoRA folder is longer than Windows takes; give the WebUI's folder a shorter one"
    return f"the LoRA folder can't be written ({error.strerror or type(error).__name__}); mend that"


def _short(etag: str) -> str:
    """Enough of an etag to tell two versions of a file apart, safe in a file name."""
    return re.sub(r"[^0-9A-Za-z]", "", etag)[:12] or "unnamed"
