"""The groups of tests that share servers, and one miniwebui for each profile, with and without the extension."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fuzz.account import FuzzAccount
from hypothesis import settings as budget
from live.runner import Session
from live.server import miniwebui
from live.target import Target
from shared_servers import SharedServers

# One profile asks for credentials, so that the scenarios on access have something to check.
CREDENTIALS = {"forge": None, "neo": None, "reforge": "person:secret", "a1111": None, "classic": None}
STYLES = """name,prompt,negative_prompt
shiny,"{prompt}, shiny",dull
fast,"{prompt} <lora:Hyper-SD15-2steps:0.5>",
"""

# A busy machine is no fault.
budget.register_profile("patient", deadline=None)
budget.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--profiles",
        metavar="NAMES",
        default=",".join(CREDENTIALS),
        help="leave out tests whose parameters or fixtures name another host profile (default: %(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    unknown = set(_profiles(config)) - CREDENTIALS.keys()
    if unknown:
        raise pytest.UsageError(f"--profiles: {', '.join(sorted(unknown))} is none of {', '.join(CREDENTIALS)}")
    config.pluginmanager.register(SharedServers(_group), "shared_servers")
    if not hasattr(config, "workerinput"):  # what xdist gives its workers
        config.pluginmanager.register(FuzzAccount())


def _profiles(config: pytest.Config) -> list[str]:
    return str(config.getoption("--profiles")).split(",")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Leave out the profiles that are not chosen, and keep together what shares a server: in one process of several,
    and one after the other."""
    others = CREDENTIALS.keys() - set(_profiles(config))
    left_out = [item for item in items if others.intersection(_names(item))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not others.intersection(_names(item))]
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    yield  # xdist reads the groups, and pytest puts tests in the order of their fixtures
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(_group(item), []).append(item)
    # The scenarios come last: they switch models, and Forge keeps the LoRA names of earlier ones (docs/hosts.md).
    items[:] = [
        item for group in groups.values() for item in sorted(group, key=lambda item: item.path.parent.name == "live")
    ]


def _names(item: pytest.Item) -> list[str]:
    """The host profiles that a test runs on, by its parameters and fixtures."""
    if not isinstance(item, pytest.Function):
        return []
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return [name for name in (*parameters, *item.fixturenames) if isinstance(name, str) and name in CREDENTIALS]


def _group(item: pytest.Item) -> str:
    """Tests of one group share servers or a browser."""
    folder = item.path.parent.name
    if folder == "browser":
        return folder
    if folder == "miniwebui":
        return " ".join((folder, *_names(item)[:1]))
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return str(parameters.get("host_profile", item.path.stem))


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> SharedServers:
    plugin = pytestconfig.pluginmanager.get_plugin("shared_servers")
    assert isinstance(plugin, SharedServers)
    return plugin


@pytest.fixture(scope="session", params=CREDENTIALS)
def host_profile(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def target(host_profile: str, shared: SharedServers, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A miniwebui with the extension, for the length of all tests of its profile."""
    return shared.get(("with", host_profile), lambda: _with_extension(host_profile, tmp_path_factory))


@contextmanager
def _with_extension(profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    arguments = with_styles(tmp_path_factory)
    with miniwebui(profile, *arguments, auth=CREDENTIALS[profile]) as client, Session(client) as found:
        yield found


@pytest.fixture
def without_extension(host_profile: str, shared: SharedServers, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """The same miniwebui without the extension."""
    return shared.get(("without", host_profile), lambda: _without_extension(host_profile, tmp_path_factory))


@contextmanager
def _without_extension(profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with miniwebui(profile, "--without-extension", *with_styles(tmp_path_factory)) as client:
        client.post("/sdapi/v1/options", {"sd_model_checkpoint": Target(client).checkpoint("sd15")})
        yield Target(client)


def with_styles(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder: Path = tmp_path_factory.mktemp("data")
    (folder / "styles.csv").write_text(STYLES, encoding="utf-8")
    return "--data-dir", str(folder)
