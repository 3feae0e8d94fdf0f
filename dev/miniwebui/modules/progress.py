"""How far a task of the page is: queued, running with a share done and a time left, or finished."""

import base64
import io
import random
import string
import time
from collections import OrderedDict, deque

import gradio as gr
from fastapi import FastAPI
from pydantic import BaseModel, Field

from modules import shared

current_task: str | None = None
pending_tasks: "OrderedDict[str, float]" = OrderedDict()
finished_tasks: "deque[str]" = deque(maxlen=16)
recorded_results: deque = deque(maxlen=2)


def create_task_id(task_type: str) -> str:
    """An id for a task that does not come from the page."""
    return f"task({task_type}-{''.join(random.choices(string.ascii_uppercase + string.digits, k=7))})"


def add_task_to_queue(id_job: str) -> None:
    """A task waits for its turn."""
    pending_tasks[id_job] = time.time()


def start_task(id_task: str | None) -> None:
    """A task's turn has come."""
    global current_task
    current_task = id_task
    pending_tasks.pop(id_task, None)


def finish_task(id_task: str | None) -> None:
    """A task is over, well or not."""
    global current_task
    if current_task == id_task:
        current_task = None
    finished_tasks.append(id_task)


def record_results(id_task: str | None, res) -> None:
    """Keep a result for a page that was reloaded meanwhile."""
    recorded_results.append((id_task, res))


class ProgressRequest(BaseModel):
    id_task: str = Field(default=None, title="Task ID")
    id_live_preview: int = Field(default=-1, title="Live preview image ID", description="the last one received")
    live_preview: bool = Field(default=True, title="Include live preview")


class ProgressResponse(BaseModel):
    active: bool = Field(title="Whether the task is being worked on right now")
    queued: bool = Field(title="Whether the task is in queue")
    completed: bool = Field(title="Whether the task has already finished")
    progress: float | None = Field(default=None, title="Progress", description="from 0 to 1")
    eta: float | None = Field(default=None, title="ETA in seconds")
    live_preview: str | None = Field(default=None, title="Live preview image", description="a data: URI")
    id_live_preview: int | None = Field(default=None, title="Live preview image ID")
    textinfo: str | None = Field(default=None, title="What is being done")


class PendingTasksResponse(BaseModel):
    size: int = Field(title="Number of waiting tasks")
    tasks: list[str] = Field(title="Their ids")


def setup_progress_api(app: FastAPI) -> None:
    """Add the addresses that javascript/progressbar.js asks."""
    app.add_api_route("/internal/pending-tasks", get_pending_tasks, methods=["GET"])
    app.add_api_route("/internal/progress", progressapi, methods=["POST"], response_model=ProgressResponse)


def get_pending_tasks() -> PendingTasksResponse:
    """The tasks that wait."""
    return PendingTasksResponse(size=len(pending_tasks), tasks=list(pending_tasks))


def progressapi(req: ProgressRequest) -> ProgressResponse:
    """Where a task stands."""
    state = {
        "active": req.id_task == current_task,
        "queued": req.id_task in pending_tasks,
        "completed": req.id_task in finished_tasks,
    }
    if not state["active"]:
        text = "Waiting..."
        if state["queued"]:
            text = f"In queue: {list(pending_tasks).index(req.id_task) + 1}/{len(pending_tasks)}"
        return ProgressResponse(**state, id_live_preview=-1, textinfo=text)

    share = done_share()
    elapsed = time.time() - shared.state.time_start
    eta = elapsed / share - elapsed if share > 0 else None
    preview, id_preview = None, req.id_live_preview
    if req.live_preview and shared.opts.live_previews_enable:
        preview, id_preview = live_preview(req.id_live_preview)
    return ProgressResponse(
        **state,
        progress=share,
        eta=eta,
        live_preview=preview,
        id_live_preview=id_preview,
        textinfo=shared.state.textinfo,
    )


def done_share() -> float:
    """Share of the running task that is done, 0 to 1: whole jobs, and the steps of the one under way."""
    state = shared.state
    if state.job_count <= 0:
        return 0.0
    within = state.sampling_step / state.sampling_steps if state.sampling_steps > 0 else 0.0
    return min((state.job_no + within) / state.job_count, 1.0)


def live_preview(id_seen: int) -> tuple[str | None, int]:
    """The newest preview as a data URI, unless the page has it already, and its number."""
    shared.state.set_current_image()
    image = shared.state.current_image
    if image is None or shared.state.id_live_preview == id_seen:
        return None, id_seen
    data = io.BytesIO()
    image.save(data, format="png")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}", shared.state.id_live_preview


def restore_progress(id_task: str):
    """Wait for a task that was started before the page was reloaded, and hand over its result."""
    while id_task == current_task or id_task in pending_tasks:
        time.sleep(0.1)
    for recorded, res in recorded_results:
        if recorded == id_task:
            return res
    return gr.update(), gr.update(), gr.update(), f"The result of {id_task} is no longer there"
