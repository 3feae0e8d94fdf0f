"""The query that the page sends for the panel's lines, sent without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable

from live.client import Client, Reply


def panel_query(webui: Client, tab: str = "txt2img", **fields: object) -> Callable[[], Reply]:
    """What sends the query of a page as it is at first; `fields` are other values, by elem_id with "_" for "-"."""
    page = webui.get("/config")
    parts = {part["id"]: part["props"] for part in page["components"]}
    query = next(id for id, props in parts.items() if props.get("elem_id") == f"hypersd_{tab}_question")
    place, listener = next((i, d) for i, d in enumerate(page["dependencies"]) if d["inputs"][:1] == [query])
    sent = (parts[id] for id in listener["inputs"][1:])
    values = [fields.get(str(part.get("elem_id")).replace("-", "_"), part.get("value")) for part in sent]
    data = [json.dumps({"number": 1}), *values]
    body = {"fn_index": listener.get("id", place), "data": data, "session_hash": "page"}
    return lambda: webui.send("POST", "/run/predict", body)
