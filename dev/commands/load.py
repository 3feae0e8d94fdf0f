"""Many generations in a row, and many clients at once: each picture, plan and notice against what is right.

What is right: what `load_requests` says by the published tables, what the plan endpoint answers, and, to the bit, what
the same request drew at first, alone.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lib_hypersd.plan import infotext
from lib_hypersd.plan.result import Change, Plan
from lib_hypersd.request.weight_schedule import parse_schedule

from .load_requests import LIGHTNING, SD15, SD21, SDXL, STOPPED, Ask

# isort: split
from live.client import Client, Drawn, Infotext, Reply
from live.target import INFOTEXT_TO_REQUEST, Target

BLOCK = 20
"""Requests of so many in a row are put in the order of their LoRAs, so that some LoRAs stay and some go."""
DEFAULTS = {"hypersd_prompt_tags": "aliases", "hypersd_policy_sd15": [], "hypersd_recipes": "", "hypersd_stop": False}
"""Options that some of the requests bring along. While such a request is drawn, its options and its checkpoint are the
whole WebUI's, for whoever asks; a question that brings its own is answered by these."""


@dataclass(frozen=True)
class Seen:
    """An answer of the host, to compare with another one: infotexts, and a digest of each picture's pixels."""

    texts: tuple[str, ...]
    pictures: tuple[str, ...]

    @staticmethod
    def of(drawn: Drawn) -> Seen:
        pictures = [*drawn.pictures, *([drawn.grid] if drawn.grid else [])]
        digests = (hashlib.sha256(picture.pixels).hexdigest() for picture in pictures)
        return Seen(tuple(text.text for text in drawn.infotexts), tuple(digests))


class Host:
    """A running WebUI, with the default options and the first checkpoint."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.target = Target(client)
        # Written once: a host puts back only those options that it has saved.
        client.post("/sdapi/v1/options", {"sd_model_checkpoint": self.target.checkpoints[SD15], **DEFAULTS})

    def draw(self, ask: Ask) -> Drawn:
        args, overrides = ask.args(), self._titled(ask.overrides())
        fields = {
            **ask.fields,
            **({} if args is None else {"args": args}),
            **({"override_settings": overrides} if overrides else {}),
        }
        return (self.target.draw_over if ask.img2img else self.target.draw)(fresh=True, **fields)

    def plan(self, ask: Ask) -> Reply:
        """What the plan endpoint answers to the same request."""
        options = {**DEFAULTS, "sd_model_checkpoint": SD15, **ask.overrides()}
        fields = {**ask.fields, "override_settings": self._titled(options)}
        return self.target.try_to_plan(None if ask.hypersd is None else dict(ask.hypersd), **fields)

    def repatches(self) -> int:
        """How often the host has changed the LoRAs in its weights."""
        return int(self.client.get("/miniwebui/v1/stats")["repatches"])

    def own_memory(self) -> dict[str, Any]:
        """The extension's objects and bytes, by tests/host/extensions/memory-watcher, in a state that is the same each
        time: a LoRA that the host does not have makes it list its files anew, and so does the extension."""
        self.draw(Ask("no such LoRA", {"prompt": "a red circle <lora:no-such-lora:1>"}))
        self.plan(Ask("automatic", {"prompt": "a red circle"}, {}))
        return dict(self.client.get("/memory-watcher/own"))

    def _titled(self, options: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(options)
        if "sd_model_checkpoint" in found:
            found["sd_model_checkpoint"] = self.target.checkpoints[found["sd_model_checkpoint"]]
        return found


# One generation ------------------------------------------------------------------------------------------------


def complaints(ask: Ask, drawn: Drawn, plan: Reply) -> Iterator[str]:
    """What is wrong with an answer: one sentence each."""
    if ask.stopped != (not drawn.pictures):
        yield f"{len(drawn.pictures)} pictures"
    for text in drawn.infotexts:
        yield from _against_tables(ask, text)
        if not ask.img2img:  # the endpoint is for txt2img
            yield from _against_plan(ask, text, plan)


def _against_tables(ask: Ask, text: Infotext) -> Iterator[str]:
    own = text.own()
    if own.keys() - {"Hyper-SD notice"} != ask.own.keys() - {"Hyper-SD notice"}:
        yield f"fields {sorted(own)}, wanted {sorted(ask.own)}"
    for key, words in ask.own.items():
        if words not in own.get(key, ""):
            yield f"{key} is {own.get(key)!r}, wanted {words!r}"
    for key, wanted in ask.values.items():
        told = text.fields.get(key)
        if told != str(wanted) and (told is None or float(told) != wanted):
            yield f"{key} is {told}, wanted {wanted}"


_OF_THE_PASS = (infotext.ETA, infotext.APPLIED)
"""Entries that are made while a pass is drawn."""


def _against_plan(ask: Ask, text: Infotext, plan: Reply) -> Iterator[str]:
    own = {key: value for key, value in text.own().items() if key not in _OF_THE_PASS}
    if plan.status == 422:
        wanted = {infotext.ERROR: plan.json()["detail"][0]["msg"] + " Nothing was changed."}
    elif plan.status == 200:
        wanted = _account(plan.json(), ask)
        yield from _values(text, plan.json()["values"])
    else:
        wanted = {"the plan's status": str(plan.status)}
    if own != wanted:
        yield f"the infotext has {own}, the plan {wanted}"


def _account(answer: Mapping[str, Any], ask: Ask) -> dict[str, str]:
    """The infotext's fields of a plan that the endpoint tells."""
    weight = answer["weight"]
    plan = Plan(
        active=answer["active"],
        changes=tuple(Change(c["field"], c["from"], c["to"], c["reason"]) for c in answer["changes"]),
        notices=(*answer["notices"], *([STOPPED] if ask.stopped else [])),
        lora=answer["lora"],
        weight=None if isinstance(weight, str) else weight,
        schedule=parse_schedule(weight) if isinstance(weight, str) else None,
    )
    return infotext.entries(plan)


def _values(text: Infotext, values: Mapping[str, Any]) -> Iterator[str]:
    """The host's own fields against the values that the plan promises, as far as the infotext tells them."""
    for name, (key, kind) in INFOTEXT_TO_REQUEST.items():
        if name in text.fields and key in values and kind(text.fields[name]) != values[key]:
            yield f"{name} is {text.fields[name]}, planned {values[key]}"


# In a row ------------------------------------------------------------------------------------------------------


@dataclass
class Soak:
    """What a long run has seen so far."""

    generations: int = 0
    repatches: int = 0
    """Beyond those that a change of the LoRA, its weight or the model makes necessary."""
    lora_changes: int = 0
    wrong: list[str] = field(default_factory=list)
    first: dict[int, Seen] = field(default_factory=dict)
    """What each request drew at first."""
    in_weights: tuple[str, tuple[str, float] | None] = (SD15, None)

    @property
    def mismatches(self) -> int:
        return len(self.wrong)


def in_a_row(
    host: Host, asks: Sequence[Ask], count: int, watch: Callable[[int], None] = lambda done: None, seed: int = 1
) -> Soak:
    """Draw `count` generations, the requests in a random order, each as often as any other.

    `watch` is called after each, with how many are done.
    """
    soak = Soak()
    host.draw(Ask("no LoRA"))  # what is in the weights is known from here on
    before = host.repatches()
    for number in order([ask.loaded for ask in asks], count, seed):
        ask = asks[number]
        drawn, plan = host.draw(ask), host.plan(ask)
        after, needed = host.repatches(), _needed(soak, ask)
        soak.repatches += max(0, after - before - needed)
        soak.lora_changes += needed
        found = list(complaints(ask, drawn, plan))
        found += [] if after - before >= needed else ["its LoRA did not get into the weights"]
        seen = Seen.of(drawn)
        if soak.first.setdefault(number, seen) != seen:
            found.append(f"another answer than at first: {_difference(soak.first[number], seen)}")
        soak.wrong += [f"{ask.kind} ({soak.generations}): {'; '.join(found)}"] if found else []
        soak.generations += 1
        before = after
        watch(soak.generations)
    return soak


def order(loaded: Sequence[object], count: int, seed: int) -> list[int]:
    """`count` numbers of requests: all of them again and again, shuffled anew each time, equal LoRAs side by side."""
    rng, numbers = Random(seed), []
    while len(numbers) < count:
        turn = list(range(len(loaded)))
        rng.shuffle(turn)
        numbers += turn
    blocks = (numbers[start : start + BLOCK] for start in range(0, count, BLOCK))
    return [number for block in blocks for number in sorted(block, key=lambda n: str(loaded[n]))][:count]


def _needed(soak: Soak, ask: Ask) -> int:
    """How many re-patches a generation needs: a model comes without any LoRA."""
    model, loaded = soak.in_weights
    before = loaded if model == ask.checkpoint else None
    wanted = before if ask.stopped else ask.loaded
    soak.in_weights = (ask.checkpoint, wanted)
    return int(before != wanted)


def _difference(first: Seen, now: Seen) -> str:
    if first.texts != now.texts:
        return json.dumps([first.texts, now.texts], ensure_ascii=False)
    return f"{sum(a != b for a, b in zip(first.pictures, now.pictures, strict=False))} pictures"


# At once -------------------------------------------------------------------------------------------------------


def at_once(host: Host, asks: Sequence[Ask], rounds: int = 2, askers: int = 4) -> list[str]:
    """What was wrong while one client for each request drew it `rounds` times and others asked the endpoints."""
    alone = [Seen.of(host.draw(ask)) for ask in asks]
    planned = [host.plan(ask) for ask in asks]
    endpoints = _endpoints(host)
    start, done, wrong = threading.Barrier(len(asks) + askers), threading.Event(), []

    def draw(number: int) -> None:
        start.wait()
        for _ in range(rounds):
            drawn = host.draw(asks[number])
            found = list(complaints(asks[number], drawn, planned[number]))
            if Seen.of(drawn) != alone[number]:
                found.append(f"another answer than alone: {_difference(alone[number], Seen.of(drawn))}")
            wrong.extend(f"{asks[number].kind}, client {number}: {what}" for what in found)

    def ask_endpoints(asker: int) -> None:
        start.wait()
        number = asker
        while not done.is_set():
            for what, now, first in (
                (f"{asks[number].kind}, plan", host.plan(asks[number]), planned[number]),
                *zip(("status", "catalog"), _endpoints(host), endpoints, strict=True),
            ):
                if now != first:
                    wrong.append(f"{what}: {now}, alone {first}")
            number = (number + askers) % len(asks)

    with ThreadPoolExecutor(len(asks) + askers) as pool:
        asking = [pool.submit(ask_endpoints, asker) for asker in range(askers)]
        drawing = [pool.submit(draw, number) for number in range(len(asks))]
        try:
            for client in drawing:
                client.result()
        finally:
            done.set()
        for client in asking:
            client.result()
    return wrong


_SELECTED = {(SD15, "sd15"), (SDXL, "sdxl"), (SD21, None), (LIGHTNING, "sdxl")}
"""Checkpoints and their families: the selected one is whatever a request that is drawn right now has brought along."""


def _endpoints(host: Host) -> tuple[Any, Any]:
    """What status and catalog tell, apart from what a request's own options change while it is drawn."""
    status, catalog = host.client.get("/hypersd/v1/status"), host.client.get("/hypersd/v1/catalog")
    known = (status.pop("checkpoint"), status.pop("family")) in _SELECTED
    known = known and status.pop("storage") in ("fp32", None)  # None while the host changes its checkpoint
    for variant in catalog["variants"]:
        del variant["recipe"]["weight"]
    return (known, status), catalog
