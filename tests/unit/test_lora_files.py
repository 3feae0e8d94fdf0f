"""Which files a machine has, and which one a wish means."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from files import KOHYA_TO_K, index_of, lora, write_safetensors
from gguf_files import write_gguf_data

from lib_hypersd.models.catalog import BY_NAME, VARIANTS
from lib_hypersd.models.lora_cache import LoraCache
from lib_hypersd.models.lora_index import LoraIndex, LoraQuery, RegisteredLora, SameStem, wanted_variant
from lib_hypersd.request.tag_rule import Lookups, TagReader, TagRule


def _chosen(index: LoraIndex, family: str, steps: int | None = None, kind: str = "plain") -> str | None:
    file = index.choose(family, LoraQuery(steps, kind))  # type: ignore[arg-type]
    return file.name if file else None


@pytest.mark.parametrize(
    ("family", "steps", "kind", "name"),
    [
        ("sd15", None, "plain", "Hyper-SD15-8steps-lora"),
        ("sd15", None, "cfg", "Hyper-SD15-8steps-CFG-lora"),
        ("sd15", 12, "plain", "Hyper-SD15-12steps-CFG-lora"),
        ("sd15", 3, "plain", "Hyper-SD15-4steps-lora"),
        ("sd15", 6, "plain", "Hyper-SD15-8steps-lora"),
        ("sd15", 1, "plain", "Hyper-SD15-1step-lora"),
        ("sdxl", 10, "plain", "Hyper-SDXL-12steps-CFG-lora"),
        ("flux", None, "plain", "Hyper-FLUX.1-dev-8steps-lora"),
        ("flux", 12, "plain", "Hyper-FLUX.1-dev-16steps-lora"),
        ("sd3", None, "plain", "Hyper-SD3-8steps-CFG-lora"),
    ],
)
def test_the_best_present_variant(everything: LoraIndex, family: str, steps: int | None, kind: str, name: str) -> None:
    assert _chosen(everything, family, steps, kind) == name


def test_the_order_where_nothing_was_asked(tmp_path: Path) -> None:
    names = [v.name for v in VARIANTS if v.family == "sdxl" and v.kind == "plain"] + ["Hyper-SDXL-12steps-CFG-lora"]
    order = []
    while names:
        best = _chosen(index_of(tmp_path, names), "sdxl")
        assert best is not None
        order.append(BY_NAME[best].steps)
        names.remove(best)
    assert order == [8, 4, 2, 12, 1]


def test_half_size_serves_where_the_full_size_is_not_there(tmp_path: Path) -> None:
    name = "Hyper-FLUX.1-dev-8steps-lora-fp16"
    assert _chosen(index_of(tmp_path, [name]), "flux") == name


def test_a_renamed_copy_is_known_by_tensors_and_wording(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "my_hyper_4step", 2048), lora(tmp_path, "hyper-8steps-cfg", 768)])
    assert {(f.name, f.family, f.steps, f.kind) for f in index.files} == {
        ("my_hyper_4step", "sdxl", 4, "plain"),
        ("hyper-8steps-cfg", "sd15", 8, "cfg"),
    }
    asked = index.requested_file("Hyper-SDXL-4steps-lora")
    assert asked is not None
    assert asked.name == "my_hyper_4step"


def test_a_copy_with_any_name_is_known_by_its_metadata(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "foo", 768, {"ss_output_name": "Hyper-SD15-4steps-lora"})])
    assert [(f.name, f.steps) for f in index.files] == [("foo", 4)]
    assert index.hyper_file("Hyper-SD15-4steps-lora") == index.files[0]


def test_an_alias_of_two_files_means_neither_as_in_the_hosts(tmp_path: Path) -> None:
    metadata = {"ss_output_name": "Hyper-SD15-4steps"}
    index = LoraIndex(lora(tmp_path, name, 768, metadata) for name in ("one", "two"))
    assert "Hyper-SD15-4steps" not in index
    assert "one" in index


def test_styles_are_not_taken_for_hyper_sd(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["HyperRealism-8steps", "my-style", "hyperbole_4step"])
    assert index.files == ()


def test_a_chroma_lora_is_never_one_for_flux(tmp_path: Path) -> None:
    keys = {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (64, 3072)}
    name = "Hyper-Chroma-Turbo-Alpha-16steps-lora"
    path = write_safetensors(tmp_path / f"{name}.safetensors", keys)
    index = LoraIndex([RegisteredLora(name, name, str(path))])
    assert index.files == ()
    named = index.requested_file(name)
    assert named is not None
    assert (named.architecture, named.family) == ("chroma", None)


def test_a_name_that_no_tag_can_hold_is_passed_over(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["my-hyper-8step#2", "my-hyper-8step:2", "my-hyper-8step<b>", "my-hyper-4step"])
    assert [file.name for file in index.files] == ["my-hyper-4step"]


def test_steps_that_no_name_tells_are_told_by_the_person(tmp_path: Path) -> None:
    registered = [lora(tmp_path, "my-fast-lora")]
    assert LoraIndex(registered).requested_file("my-fast-lora").steps is None  # type: ignore[union-attr]
    assert LoraIndex(registered, {"my-fast-lora": 8}).requested_file("my-fast-lora").steps == 8  # type: ignore[union-attr]


def test_a_damaged_file_is_passed_over_and_named(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["Hyper-SD15-8steps-lora", "Hyper-SD15-2steps-lora"])
    (tmp_path / "Hyper-SD15-8steps-lora.safetensors").write_bytes(b"")
    assert _chosen(index, "sd15") == "Hyper-SD15-2steps-lora"
    damaged = index.damaged("sd15", LoraQuery())
    assert damaged is not None
    assert index.damage(damaged) == "is empty"


@pytest.mark.parametrize("write", [write_safetensors, write_gguf_data], ids=["safetensors", "gguf"])
@pytest.mark.parametrize("more", [1, 33, 5000])
def test_auto_never_chooses_a_file_that_is_longer_than_its_header_says(
    tmp_path: Path, write: Callable[..., Path], more: int
) -> None:
    """As after a download that went on appending, or a copy onto a larger file."""
    best, next_best = "Hyper-SD15-8steps-lora", "Hyper-SD15-4steps-lora"
    index = index_of(tmp_path, [best, next_best])
    path = write(tmp_path / f"{best}.safetensors", {KOHYA_TO_K: (4, 768)})
    assert _chosen(index, "sd15") == best
    path.write_bytes(path.read_bytes() + b"\0" * more)
    assert _chosen(index, "sd15") == next_best
    damaged = index.damaged("sd15", LoraQuery())
    assert damaged is not None
    assert (damaged.name, index.damage(damaged)) == (best, "is longer than its header says")
    assert not index.has(BY_NAME[best])


def test_a_damaged_renamed_file_is_named_where_its_name_says_the_family(tmp_path: Path) -> None:
    (tmp_path / "HyperSDXL8Step.safetensors").write_bytes(b"half")
    path = str(tmp_path / "HyperSDXL8Step.safetensors")
    index = LoraIndex([RegisteredLora("HyperSDXL8Step", "HyperSDXL8Step", path)])
    damaged = index.damaged("sdxl", LoraQuery())
    assert damaged is not None
    assert index.damage(damaged) == "is too short to be a safetensors file"


def test_a_file_that_vanished_is_not_chosen(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["Hyper-SD15-8steps-lora"])
    (tmp_path / "Hyper-SD15-8steps-lora.safetensors").unlink()
    assert _chosen(index, "sd15") is None


def test_the_missing_file_that_is_named_is_the_one_that_was_wanted() -> None:
    assert wanted_variant("sd15", LoraQuery()).name == "Hyper-SD15-8steps-lora"
    assert wanted_variant("sdxl", LoraQuery(2)).name == "Hyper-SDXL-2steps-lora"


def _registered(folder: Path, name: str, context: int = 768, **more: str) -> RegisteredLora:
    return replace(lora(folder, name, context), **more)


@pytest.mark.parametrize("name", ["Hyper_Realistic_v2", "hyper-detail-slider_xl", "hyper_muscle_1.8k-lr1e-4-v5"])
def test_a_style_is_no_candidate_and_is_never_a_second_tag(tmp_path: Path, name: str) -> None:
    index = LoraIndex([lora(tmp_path, name, 2048), lora(tmp_path, "Hyper-SDXL-8steps-lora", 2048)])
    assert [file.name for file in index.files] == ["Hyper-SDXL-8steps-lora"]
    assert index.hyper_file(name) is None
    prompt = f"a cat <lora:{name}:0.8>"
    retagged = TagRule(
        TagReader(Lookups(index), "sdxl"), index.files[0], "<lora:Hyper-SDXL-8steps-lora:0.75>", 0.75
    ).apply(prompt)
    assert retagged.prompt.startswith(prompt)
    assert retagged.second == ()


def test_a_renamed_file_is_known_by_the_title_in_its_metadata(tmp_path: Path) -> None:
    index = LoraIndex([_registered(tmp_path, "speedy", title="Hyper-SD15-8steps-CFG-lora")])
    assert [(file.name, file.steps, file.kind) for file in index.files] == [("speedy", 8, "cfg")]


def test_a_renamed_file_is_known_by_the_hash_that_the_host_has(tmp_path: Path) -> None:
    sha256 = BY_NAME["Hyper-SDXL-8steps-CFG-lora"].sha256
    index = LoraIndex([_registered(tmp_path, "speedy", 2048, sha256=sha256), _registered(tmp_path, "b", sha256="0")])
    assert [(file.name, file.family, file.steps, file.kind) for file in index.files] == [("speedy", "sdxl", 8, "cfg")]


def test_a_file_whose_steps_the_person_has_set_is_hyper_sds(tmp_path: Path) -> None:
    files = [lora(tmp_path, "speedy"), lora(tmp_path, "sdxl_lightning_4step_lora"), lora(tmp_path, "style")]
    assert LoraIndex(files).files == ()
    index = LoraIndex(files, {"speedy": 4, "sdxl_lightning_4step_lora": 4})
    assert [(file.name, file.steps) for file in index.files] == [("speedy", 4)]


class _Registry:
    """A host's registry over a folder, which counts how often it is walked and described."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.walks, self.described = folder, 0, 0
        self.entries: list[Path] = []
        self.walk()

    def walk(self) -> None:
        self.walks += 1
        self.entries = sorted(self.folder.rglob("*.safetensors"))

    def describe(self, path: object) -> RegisteredLora:
        assert isinstance(path, Path)
        self.described += 1
        return RegisteredLora(path.stem, path.stem, str(path))

    def cache(self) -> LoraCache:
        return LoraCache(lambda: self.entries, self.describe, self.walk, lambda: [str(self.folder)], dict)


def test_nothing_is_scanned_again_while_nothing_changes(tmp_path: Path) -> None:
    lora(tmp_path, "Hyper-SD15-8steps-lora")
    registry = _Registry(tmp_path)
    cache = registry.cache()
    first = cache.index()
    assert all(cache.index() is first for _ in range(10))
    assert (registry.walks, registry.described) == (1, 1)


def test_a_host_that_lists_its_files_anew_loses_none_meanwhile(tmp_path: Path) -> None:
    for name in ("Hyper-SD15-8steps-lora", "Hyper-SD15-2steps-lora"):
        lora(tmp_path, name)
    registry = _Registry(tmp_path)
    cache, listed = registry.cache(), registry.entries
    for half_full in (listed, [], listed[:1], listed):
        registry.entries = half_full
        assert _chosen(cache.index(), "sd15") == "Hyper-SD15-8steps-lora"
        assert len(cache.index().files) == 2
    (tmp_path / "Hyper-SD15-8steps-lora.safetensors").unlink()
    registry.walk()
    assert [file.name for file in cache.index().files] == ["Hyper-SD15-2steps-lora"]


def test_a_file_added_to_an_empty_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    registry = _Registry(tmp_path)
    cache = registry.cache()
    assert cache.index().files == ()
    write_safetensors(tmp_path / "new" / "Hyper-SD15-8steps-lora.safetensors", {"x.alpha": ()})
    assert [f.name for f in cache.index().files] == ["Hyper-SD15-8steps-lora"]


def test_a_file_added_while_the_ui_runs_is_found(tmp_path: Path) -> None:
    registry = _Registry(tmp_path)
    cache = registry.cache()
    assert cache.index().files == ()
    write_safetensors(tmp_path / "Hyper-SD15-8steps-lora.safetensors", {"x.alpha": ()})
    assert [f.name for f in cache.index().files] == ["Hyper-SD15-8steps-lora"]


def test_a_renamed_file_that_is_seen_half_copied_is_known_when_it_is_whole(tmp_path: Path) -> None:
    whole = Path(lora(tmp_path, "my-hyper-8steps", context=2048).path).read_bytes()
    path = tmp_path / "my-hyper-8steps.safetensors"
    registry = _Registry(tmp_path)
    cache = registry.cache()
    for so_far in (whole[:4], whole[:50]):
        path.write_bytes(so_far)
        assert cache.index().files == ()
    path.write_bytes(whole)
    assert _chosen(cache.index(), "sdxl") == "my-hyper-8steps"


@pytest.mark.parametrize("folder", ["", "new"], ids=["a known folder", "a new folder"])
def test_a_file_that_lands_right_after_the_host_has_listed_its_files_is_found(tmp_path: Path, folder: str) -> None:
    registry = _Registry(tmp_path)

    def walk_and_land() -> None:
        registry.walk()
        if registry.walks == 2:
            (tmp_path / folder).mkdir(exist_ok=True)
            lora(tmp_path / folder, "Hyper-SD15-8steps-lora")

    cache = LoraCache(lambda: registry.entries, registry.describe, walk_and_land, lambda: [str(tmp_path)], dict)
    cache.index()
    (tmp_path / "preview.png").touch()
    cache.index()
    assert [file.name for file in cache.index().files] == ["Hyper-SD15-8steps-lora"]
    assert registry.walks == 3
    cache.index()
    assert registry.walks == 3


def test_a_file_that_lands_while_the_host_lists_its_files_by_itself_is_found(tmp_path: Path) -> None:
    """At a press of refresh, say: the entries change, and by then the folder has changed once more."""
    lora(tmp_path, "Hyper-SD15-2steps-lora")
    registry = _Registry(tmp_path)

    def entries() -> list[Path]:
        listed = registry.entries
        if registry.walks == 2:
            registry.walks += 1
            lora(tmp_path, "Hyper-SD15-8steps-lora")
        return listed

    cache = LoraCache(entries, registry.describe, registry.walk, lambda: [str(tmp_path)], dict)
    cache.index()
    registry.walk()
    registry.entries = [Path(str(path)) for path in registry.entries] * 2
    cache.index()
    assert len(cache.index().files) == 2


@pytest.fixture
def _ignores_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows and macOS: whatever the case of its letters, a name leads to the file."""
    stat, opened = os.stat, open

    def found(path: Any) -> Any:
        if not isinstance(path, str | os.PathLike):
            return path
        folder, name = os.path.split(os.fspath(path))
        names = os.listdir(folder) if name and os.path.isabs(folder) and "Lora" in folder else []
        return os.path.join(folder, next((n for n in names if n.casefold() == name.casefold()), name))

    monkeypatch.setattr(os, "stat", lambda path, *args, **kwargs: stat(found(path), *args, **kwargs))
    monkeypatch.setattr("builtins.open", lambda path, *args, **kwargs: opened(found(path), *args, **kwargs))


@pytest.mark.usefixtures("_ignores_case")
@pytest.mark.parametrize("keeps_both", [False, True], ids=["forgets the former name", "lists both names"])
def test_a_file_renamed_in_case_alone_has_one_name(tmp_path: Path, keeps_both: bool) -> None:
    """A tag of the former name is one that the host no longer knows, for which Forge drops every LoRA."""
    folder = tmp_path / "Lora"
    folder.mkdir()
    before = Path(lora(folder, "HYPER-SD15-8STEPS-lora").path)
    registry = _Registry(folder)
    cache = registry.cache()
    assert [file.name for file in cache.index().files] == [before.stem]
    before.rename(folder / "Hyper-SD15-8steps-lora.safetensors")
    assert before.exists()
    if keeps_both:  # as where it only adds what is new
        cache = LoraCache(lambda: [before, *registry.entries], registry.describe, registry.walk, cache._roots, dict)
    registry.walk()
    index = cache.index()
    assert [file.name for file in index.files] == ["Hyper-SD15-8steps-lora"]
    assert before.stem not in index
    assert _chosen(index, "sd15") == "Hyper-SD15-8steps-lora"


@pytest.mark.usefixtures("_ignores_case")
def test_nor_has_it_its_former_name_while_the_host_lists_its_files_anew(tmp_path: Path) -> None:
    folder = tmp_path / "Lora"
    folder.mkdir()
    before = Path(lora(folder, "HYPER-SD15-8STEPS-lora").path)
    registry = _Registry(folder)
    cache = LoraCache(lambda: registry.entries, registry.describe, lambda: None, lambda: [str(folder)], dict)
    assert before.stem in cache.index()
    before.rename(folder / "Hyper-SD15-8steps-lora.safetensors")
    registry.entries = []
    assert before.stem not in cache.index()


def test_names_that_differ_in_case_alone_are_two_files_where_the_system_says_so(tmp_path: Path) -> None:
    for name in ("Hyper-SD15-8steps-lora", "hyper-sd15-8steps-LORA"):
        lora(tmp_path, name)
    assert len(_Registry(tmp_path).cache().index().files) == 2


def test_a_change_that_brings_no_lora_is_looked_at_once(tmp_path: Path) -> None:
    lora(tmp_path, "Hyper-SD15-8steps-lora")
    registry = _Registry(tmp_path)
    cache = registry.cache()
    cache.index()
    (tmp_path / "Hyper-SD15-8steps-lora.preview.png").touch()
    indices = [cache.index() for _ in range(10)]
    assert registry.walks == 2
    assert all(index is indices[0] for index in indices)


def test_one_stem_in_two_folders_is_noticed_and_a_link_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "Lora"
    for name in ("old", "new", "linked"):
        (folder / name).mkdir(parents=True)
    for name in ("old", "new"):
        lora(folder / name, "Hyper-SD15-8steps-lora")
    (folder / "linked" / "Hyper-SD15-4steps-lora.safetensors").symlink_to(lora(folder, "Hyper-SD15-4steps-lora").path)
    registry = _Registry(folder)
    # As the hosts do: the last file of a stem is the one that is listed.
    registry.entries = list({path.stem: path for path in registry.entries}.values())
    used = "Lora/old/Hyper-SD15-8steps-lora.safetensors"
    assert registry.cache().index().same_stems == {
        "Hyper-SD15-8steps-lora": SameStem(used, ("Lora/new/Hyper-SD15-8steps-lora.safetensors",))
    }
