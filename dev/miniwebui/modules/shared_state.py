"""What is being drawn right now, for the progress bar, and the requests to stop."""

import datetime
import threading
import time

from modules import devices, errors, shared


class State:
    def __init__(self):
        self.skipped = self.interrupted = self.stopping_generation = False
        self.job, self.job_no, self.job_count, self.job_timestamp = "", 0, 0, "0"
        self.processing_has_refined_job_count = False
        self.sampling_step = self.sampling_steps = 0
        self.current_latent = self.current_image = self.textinfo = self.time_start = None
        self.current_image_sampling_step = self.id_live_preview = 0
        self.server_start = time.time()
        self._command, self._signal = None, threading.Event()

    @property
    def need_restart(self):
        return self.server_command == "restart"

    @need_restart.setter
    def need_restart(self, value):
        if value:
            self.server_command = "restart"

    @property
    def server_command(self):
        return self._command

    @server_command.setter
    def server_command(self, value):
        self._command = value
        self._signal.set()

    def wait_for_server_command(self, timeout=None):
        """The next command ("stop", "restart"), or None when the time is up."""
        if not self._signal.wait(timeout):
            return None
        self._signal.clear()
        command, self._command = self._command, None
        return command

    def request_restart(self):
        self.interrupt()
        self.server_command = "restart"

    def skip(self):
        self.skipped = True

    def interrupt(self):
        self.interrupted = True

    def stop_generating(self):
        self.stopping_generation = True

    def nextjob(self):
        self.job_no += 1
        self.sampling_step = self.current_image_sampling_step = 0

    def dict(self):
        names = (
            "skipped interrupted stopping_generation job job_count job_timestamp job_no sampling_step sampling_steps"
        )
        return {name: getattr(self, name) for name in names.split()}

    def begin(self, job="(unknown)"):
        self.sampling_step = self.job_no = self.current_image_sampling_step = self.id_live_preview = 0
        self.job_count = -1
        self.processing_has_refined_job_count = False
        self.time_start = time.time()
        self.job_timestamp = datetime.datetime.now().strftime("%Y%m%d%H%M%S")
        self.current_latent = self.current_image = self.textinfo = None
        self.skipped = self.interrupted = self.stopping_generation = False
        self.job = job
        devices.torch_gc()

    def end(self):
        self.job, self.job_count = "", 0

    def set_current_image(self):
        """Draw a preview if enough steps went by since the last."""
        every = shared.opts.show_progress_every_n_steps
        if (
            shared.opts.live_previews_enable
            and every != -1
            and self.sampling_step - self.current_image_sampling_step >= every
        ):
            self.do_set_current_image()

    def do_set_current_image(self):
        if self.current_latent is None:
            return
        from modules import sd_samplers_common

        try:
            self.assign_current_image(sd_samplers_common.samples_to_image_grid(self.current_latent))
            self.current_image_sampling_step = self.sampling_step
        except Exception:  # the model may be changing; the next preview will do
            errors.record_exception()

    def assign_current_image(self, image):
        self.current_image = image
        self.id_live_preview += 1
