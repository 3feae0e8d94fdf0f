"""The three endpoints: what they answer, and that asking changes nothing."""

from __future__ import annotations

from ..published import BY_NAME, UNETS, clamped, tags
from ..scenario import check, equal, near, scenario
from ..target import Target


@scenario
def status_tells_version_host_and_files(target: Target) -> None:
    status = target.client.get("/hypersd/v1/status")
    for key in ("version", "host", "gradio", "checkpoint", "family", "loras", "samplers", "schedulers"):
        check(key in status, f"{key} is missing in {sorted(status)}")
    check(all(isinstance(status[key], str) and status[key] for key in ("version", "host", "gradio")), f"{status}")
    equal({entry["name"] for entry in status["loras"]} & set(BY_NAME), target.loras & set(BY_NAME), "catalog files")
    for entry in status["loras"]:
        if entry["name"] in BY_NAME:
            equal(entry["family"], BY_NAME[entry["name"]].family, entry["name"])


@scenario
def status_names_the_selected_checkpoint(target: Target) -> None:
    selected = target.options()["sd_model_checkpoint"]  # None until somebody selects one
    name = str(target.client.get("/hypersd/v1/status")["checkpoint"])
    check(name and (selected is None or name in str(selected)), f"checkpoint {name} of {selected}")


@scenario
def the_catalog_lists_every_published_file(target: Target) -> None:
    variants = {v["name"]: v for v in target.client.get("/hypersd/v1/catalog")["variants"]}
    equal(sorted(set(BY_NAME) - set(variants)), [], "missing")
    equal(sorted(set(variants) - set(BY_NAME) - set(UNETS)), [], "unpublished")
    for name, published in BY_NAME.items():
        entry = variants[name]
        equal((entry["family"], entry["steps"]), (published.family, published.steps), name)
        near(entry["recipe"]["weight"], published.weight, f"{name}: weight")
        equal(entry["present"], name in target.loras, f"{name}: presence")
        check(entry["licence"] and entry["source"].startswith("https://huggingface.co/"), f"{name}: {entry}")
        check(5e8 < entry["size"] < 2e9 if published.family == "flux" else 1e8 < entry["size"] < 1e9, f"{name}: size")


@scenario
def the_catalogs_recipes_are_the_published_ones(target: Target) -> None:
    for entry in target.client.get("/hypersd/v1/catalog")["variants"]:
        published = BY_NAME.get(entry["name"])
        if published is None:
            continue
        recipe = entry["recipe"]
        cfg = recipe["cfg"]
        equal((cfg["value"], cfg["low"], cfg["high"]), published.cfg, f"{entry['name']}: CFG")
        unified = entry["name"].endswith("-1step-lora")
        sampling = ("Hyper-SD TCD", "Hyper-SD TCD") if unified else ("Euler", "SGM Uniform")
        equal((recipe["sampler"], recipe["scheduler"]), sampling, f"{entry['name']}: sampler")
        equal(recipe["steps"], published.steps, f"{entry['name']}: steps")


@scenario
def flux_files_show_the_non_commercial_licence(target: Target) -> None:
    for entry in target.client.get("/hypersd/v1/catalog")["variants"]:
        if entry["family"] == "flux":
            check("non-commercial" in entry["licence"].lower(), f"{entry['name']}: {entry['licence']}")


@scenario
def the_half_size_flux_file_has_its_own_source(target: Target) -> None:
    entries = {v["name"]: v for v in target.client.get("/hypersd/v1/catalog")["variants"]}
    check("nakodanei" in entries["Hyper-FLUX.1-dev-8steps-lora-fp16"]["source"], "source")


@scenario
def the_plan_changes_nothing_and_draws_nothing(target: Target) -> None:
    before, status = target.options(), target.client.get("/hypersd/v1/status")
    target.plan({"hires": "always"}, override_settings={"CLIP_stop_at_last_layers": 2, "img2img_fix_steps": True})
    equal(target.options(), before, "options")
    equal(target.client.get("/hypersd/v1/status"), status, "status")
    equal(target.client.get("/sdapi/v1/progress")["state"]["job_count"], 0, "jobs")


@scenario
def the_plan_takes_a_body_without_the_object(target: Target) -> None:
    plan = target.plan()
    equal((plan.active, plan.changes), (False, ()), "active, changes")
    equal(plan.prompt, target.request()["prompt"], "prompt")


@scenario
def the_plan_takes_a_nearly_empty_body(target: Target) -> None:
    for body in ({"hypersd": {}}, {"prompt": "a cat", "hypersd": {}}, {"hypersd": {"enabled": False}}):
        reply = target.client.send("POST", "/hypersd/v1/plan", body)
        equal(reply.status, 200, f"{body}: {reply.text[:200]}")
    plan = target.client.post("/hypersd/v1/plan", {"prompt": "a cat", "hypersd": {}})
    equal(tags(plan["values"]["prompt"]), tags(target.best.tag), "tags")
    near(plan["values"]["cfg_scale"], clamped(7.0, target.best.cfg), "CFG from the host's default")


@scenario
def the_plan_takes_a_whole_txt2img_body(target: Target) -> None:
    body = target.request(hypersd={"lora": target.quick.name}) | {"hypersd": {"lora": target.quick.name}}
    reply = target.client.send("POST", "/hypersd/v1/plan", body)
    equal(reply.status, 200, reply.text[:200])


@scenario
def other_methods_are_refused(target: Target) -> None:
    equal(target.client.send("GET", "/hypersd/v1/plan").status, 405, "GET plan")
    for path in ("/hypersd/v1/status", "/hypersd/v1/catalog"):
        equal(target.client.send("POST", path, {}).status, 405, f"POST {path}")


@scenario
def the_endpoints_stand_in_openapi(target: Target) -> None:
    paths = target.client.get("/openapi.json")["paths"]
    for path in ("/hypersd/v1/status", "/hypersd/v1/catalog", "/hypersd/v1/plan"):
        check(path in paths, path)
