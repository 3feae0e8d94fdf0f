"""Servers that several groups of tests share: one miniwebui for each profile, with and without the extension."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz.account import FuzzAccount
from hypothesis import settings as budget
from live.runner import Session
from live.server import miniwebui
from live.target import Target

# Their tests share servers, or a browser.
TOGETHER = ("browser", "miniwebui")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # what xdist gives its workers
        config.pluginmanager.register(FuzzAccount())


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes run the tests, those that share a server stay in one of them."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    folder = item.path.parent.name
    return folder if folder in TOGETHER else parameters.get("host_profile", item.path.stem)


# A busy machine is no fault.
budget.register_profile("patient", deadline=None)
budget.load_profile("patient")

# One profile asks for credentials, so that the scenarios on access have something to check.
CREDENTIALS = {"forge": None, "neo": None, "reforge": "person:secret", "a1111": None, "classic": None}
STYLES = """name,prompt,negative_prompt
shiny,"{prompt}, shiny",dull
fast,"{prompt} <lora:Hyper-SD15-2steps:0.5>",
"""


@pytest.fixture(scope="session", params=CREDENTIALS)
def host_profile(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def target(host_profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A miniwebui with the extension, for the length of all tests of its profile."""
    with (
        miniwebui(host_profile, *with_styles(tmp_path_factory), auth=CREDENTIALS[host_profile]) as client,
        Session(client) as found,
    ):
        yield found


@pytest.fixture(scope="session")
def without_extension(host_profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The same miniwebui without the extension."""
    with miniwebui(host_profile, "--without-extension", *with_styles(tmp_path_factory)) as client:
        client.post("/sdapi/v1/options", {"sd_model_checkpoint": Target(client).checkpoint("sd15")})
        yield Target(client)


def with_styles(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder: Path = tmp_path_factory.mktemp("data")
    (folder / "styles.csv").write_text(STYLES, encoding="utf-8")
    return "--data-dir", str(folder)
