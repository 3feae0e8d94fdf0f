"""The endpoints ask for the host's API credentials wherever the host's own API does."""

from __future__ import annotations

from ..client import Client
from ..scenario import SkippedError, check, equal, scenario
from ..target import Target

CALLS = (("GET", "/hypersd/v1/status"), ("GET", "/hypersd/v1/catalog"), ("POST", "/hypersd/v1/plan"))


def statuses(target: Target, auth: str | None) -> dict[str, int]:
    client = Client(target.client.url, auth)
    found = {path: client.send(method, path, None if method == "GET" else {}).status for method, path in CALLS}
    found["host"] = client.send("GET", "/sdapi/v1/options").status
    return found


@scenario
def without_credentials_they_answer_as_the_hosts_api_does(target: Target) -> None:
    """Or better: behind a page's login the hosts' own API is open, and the endpoints are not."""
    found = statuses(target, None)
    login = Client(target.client.url).send("GET", "/login_check").status == 401
    equal({found[path] for _, path in CALLS}, {401 if login else found["host"]}, f"statuses {found}")
    if target.client.auth:
        equal(found["host"], 401, "the host's own API")


@scenario
def wrong_credentials_are_refused(target: Target) -> None:
    if not target.client.auth:
        raise SkippedError("the host asks for no credentials")
    user, _, password = target.client.auth.partition(":")
    for auth in (f"{user}:{password}x", f"x{user}:{password}", f"{user}:", ":", "näme:pass"):
        found = statuses(target, auth)
        equal(set(found.values()), {401}, f"statuses for {auth!r}: {found}")


@scenario
def a_refusal_tells_nothing(target: Target) -> None:
    if not target.client.auth:
        raise SkippedError("the host asks for no credentials")
    for method, path in CALLS:
        reply = Client(target.client.url).send(method, path, {"hypersd": {"bogus": 1}} if method == "POST" else None)
        check("lora" not in reply.text.lower() and "bogus" not in reply.text, f"{path}: {reply.text[:200]}")
