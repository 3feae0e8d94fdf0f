"""Files: any bytes are read or refused with a reason, within bounds of memory and of bytes read."""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from mutation import Case
from runs import run_cases
from unit.files import KOHYA_TO_K
from unit.gguf_files import entry, gguf, header, tensor, text

from lib_hypersd.models import bounded_json, checkpoint, evidence, families, gguf_header, headers, safetensors_header
from lib_hypersd.models.file_header import MAX_HEADER_BYTES, MAX_TEXT, DamagedFileError, Header
from lib_hypersd.models.headers import read_header
from lib_hypersd.models.lora_index import LoraIndex, RegisteredLora
from lib_hypersd.models.safetensors_header import MAX_VALUES

MOST_MEMORY = 64 * 2**20
ARCHITECTURES = get_args(families.Architecture)


def _tensor(*shape: int, start: int = 0, end: int = 0) -> dict[str, Any]:
    return {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}


TREES: tuple[dict[str, Any], ...] = (
    {KOHYA_TO_K: _tensor(4, 768), "__metadata__": {"ss_output_name": "my-hyper-8step", "ss_tag_frequency": "{}"}},
    {
        "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": _tensor(640, 2048, end=64),
        "model.diffusion_model.out.2.bias": _tensor(4, start=64, end=72),
        "__metadata__": {"modelspec.title": "a lightning 4step", "format": "pt"},
    },
    {
        "double_blocks.0.img_attn.qkv.weight.bitsandbytes__nf4": _tensor(9437184, 1, end=8),
        "guidance_in.in_layer.weight": _tensor(3072, 256, start=8, end=16),
    },
    {"transformer.transformer_blocks.0.attn.to_q.lora_A.weight": _tensor(64, 1536), "joint_blocks.0.x": _tensor()},
)
NAMES = (
    *("__metadata__", "dtype", "shape", "data_offsets", "F16", "BF16", "ss_output_name", "modelspec.title"),
    *("joint_blocks.24.", "double_blocks.", "guidance_in.", "distilled_guidance_layer", "hyper-8step", "4s", "8steps"),
    *("input_blocks.1.attn2.to_k.weight", "unet.down_blocks.0.attn2.to_k.lora_A.weight", "nf4", "schnell", "lcm"),
)


def _file(header: bytes, claim: int | None = None, data: int = 0) -> bytes:
    return struct.pack("<Q", (len(header) if claim is None else claim) % 2**64) + header + b"\0" * data


WHOLE = tuple(_file(json.dumps(tree).encode(), data=data) for tree in TREES for data in (0, 72))
FILES = (*WHOLE, _file(b"{}  "), b"PK\3\4")
WORDS = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b'"a":', b"null", b"true", b"-1", b"1e999", b"NaN", b"Infinity"),
    *(b"9" * 5000, b"\\ud800", b"\\u0000", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\xed\xa0\x80", b"[" * 2000, b"  \n"),
    *(struct.pack("<Q", n) for n in (0, 1, 7, 2**31, 2**63, 2**64 - 1, 100 * 2**20)),
    *(name.encode() for name in NAMES),
)


def _judge(read: Callable[[], Header]) -> None:
    """Read, or refused; what is read has the promised types, and every question about it has an answer."""
    try:
        header = read()
    except DamagedFileError:
        return
    assert header.shapes
    for name, shape in header.shapes.items():
        assert isinstance(name, str)
        assert all(type(n) is int and n >= 0 for n in shape)
    for key, value in header.metadata.items():
        assert isinstance(key, str)
        assert isinstance(value, str)
        assert len(value) <= MAX_TEXT
    assert evidence.architecture_of_checkpoint(header.shapes) in ARCHITECTURES
    assert evidence.architecture_of_lora(header.shapes) in ARCHITECTURES
    for architecture in ARCHITECTURES:
        assert checkpoint.describe("model", architecture, header).title


def test_mutated_bytes() -> None:
    def check(case: Case) -> None:
        data = case.data(FILES, WORDS)
        (length,) = struct.unpack("<Q", data[:8].ljust(8, b"\0"))
        header = data[8 : 8 + min(length, len(data))]
        _judge(lambda: safetensors_header.parse(header, len(data) - 8 - len(header)))

    run_cases("header bytes", check)


def test_mutated_trees() -> None:
    def check(case: Case) -> None:
        tree = case.tree(case.choice(TREES), NAMES)
        if case.random() < 0.1:
            tree = {**tree, str(case.atom(NAMES)): case.tree(_tensor(4, 768))} if isinstance(tree, dict) else [tree]
        written = json.dumps(tree, ensure_ascii=case.random() < 0.5).encode("utf8", "surrogatepass")
        _judge(lambda: safetensors_header.parse(written, case.choice((0, 72, 2**40))))

    run_cases("header trees", check)


def test_mutated_files(tmp_path: Path) -> None:
    """By the way that the WebUI takes: through the list of LoRAs."""

    def check(case: Case) -> None:
        path = tmp_path / f"{case.randrange(50)}-hyper.safetensors"
        path.write_bytes(case.data(FILES, WORDS))
        headers.forget()
        _judge(lambda: read_header(str(path)))
        lora = RegisteredLora(case.choice(NAMES), case.choice((*NAMES, "hyper-sd15")), str(path))
        index = LoraIndex([lora])
        for file in (*index.files, index.requested_file(lora.name)):
            assert file is None or index.damage(file) is None or str(index.damage(file))

    run_cases("header files", check)


GGUF_FILES = (
    *(gguf({name: (64, 32) for name in tree if name != "__metadata__"}) for tree in TREES),
    gguf({"a": (24,)}, {"comfy.gguf.orig_shape.a": [4, 3, 2], "general.alignment": 64, "general.name": "mine 8step"}),
    header(entry("a", ["x", "y"]), tensor("b", (2, 4)), (1, 1)) + b"\0" * 32,
    b"GGUF",
)
GGUF_WORDS = (
    *(struct.pack("<I", n) for n in (0, 1, 2, 3, 4, 8, 9, 12, 13, 99, 2**31, 2**32 - 1)),
    *(struct.pack("<Q", n) for n in (0, 1, 7, 2**31, 2**40, 2**60, 2**63, 2**64 - 1)),
    *(text(name) for name in (*NAMES, "general.alignment", "general.architecture", "comfy.gguf.orig_shape.a")),
    *(b"GGUF", b"\xff\xfe", b"\0" * 40, tensor("c", (1,)), entry("d", 8), struct.pack("<IIQ", 9, 9, 2**60)),
)


def test_mutated_gguf(tmp_path: Path) -> None:
    def check(case: Case) -> None:
        data = case.data(GGUF_FILES, GGUF_WORDS)
        _judge(lambda: gguf_header.read(data[: gguf_header.START_BYTES], io.BytesIO(data[24:]), len(data)))

    run_cases("gguf bytes", check)


MB = 2**20


def _many(unit: str, count: int, before: str = "{", after: str = "}") -> bytes:
    return (before + ",".join(unit.replace("N", f"{n:x}") for n in range(count)) + after).encode()


_ONE = '{"a":{"dtype":"F16","data_offsets":[0,0],"shape":[1]}'
_META, _SHAPE = _ONE + ',"__metadata__":{', '{"a":{"data_offsets":[0,0],"shape":['
NASTY: dict[str, bytes] = {
    "a million keys": _many('"N":0', 400_000),
    "as many tensors as go": _many('"N":{"shape":[],"data_offsets":[0,0]}', MAX_VALUES // 6 - 9),
    "long names": _many('"N' + "a" * 600 + '":{"shape":[1,2],"data_offsets":[0,0]}', MAX_VALUES // 8 - 9),
    "as many texts as go": _many('"N":"N"', MAX_VALUES - 20, _META, "}}"),
    "as many floats as go": _many('"N":1e9', MAX_VALUES - 20, _META, "}}"),
    "small tables": _many('{"N":1e9}', MAX_VALUES // 2 - 20, _META + '"a":[', "]}}"),
    "small lists": _many("[]", MAX_HEADER_BYTES // 3 - 90, _META + '"a":[', "]}}"),
    "lists of one": _many("[0]", MAX_VALUES // 2 - 20, _META + '"a":[', "]}}"),
    "a wide shape": _many("1", 2_000_000, _SHAPE, "]}}"),
    "a shape that is a text": f'{_SHAPE[:-1]}"{"1" * (4 * MB - 99)}"}}}}'.encode(),
    "huge numbers": _many("9" * 4300, 970, _SHAPE, "]}}"),
    "one huge number": f"{_SHAPE}{'9' * (4 * MB - 99)}]}}}}".encode(),
    "a huge fraction": f"{_SHAPE}0.{'9' * (4 * MB - 99)}]}}}}".encode(),
    "escapes": f'{_META}"a":"{chr(92) + chr(34)}{(chr(92) + chr(34)) * (2 * MB - 80)}"}}}}'.encode(),
    "a wide text": f'{_META}"a":"\U0001f600{"x" * (4 * MB - 99)}"}}}}'.encode(),
    "texts and a wide text": _many('"N":"N"', MAX_VALUES - 20, f'{_META}"a":"\U0001f600{"x" * (3 * MB)}",', "}}"),
    "quotes": b'"' * (4 * MB),
    "deep lists": b'{"a":' + b"[" * (4 * MB - 5),
    "deep tables": b'{"a":' * 800_000,
    "white space": b"{" + b" " * (4 * MB - 2) + b"}",
    "nothing": b"\0" * (4 * MB),
    "another encoding": ("\ufeff" + "[" * (2 * MB - 1)).encode("utf-16-le"),
}
assert all(len(raw) <= MAX_HEADER_BYTES for raw in NASTY.values())


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """Asks for the most memory in use since the test began, in bytes."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    yield lambda: tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()


_TENSORS, _ENTRIES = gguf_header.MAX_TENSORS, gguf_header.MAX_ENTRIES


def _entries(entry_of: Callable[[int], bytes]) -> bytes:
    return header(b"".join(map(entry_of, range(_ENTRIES))), tensor("a", (1,)), (1, _ENTRIES))


NASTY_GGUF: dict[str, bytes] = {
    "as many tensors as go": header(
        b"", b"".join(tensor(f"t{n}", (2**63,) * 5) for n in range(_TENSORS)), (_TENSORS, 0)
    ),
    "long names": header(b"", b"".join(tensor(f"{n}" + "x" * 700, (1,)) for n in range(_TENSORS)), (_TENSORS, 0)),
    "as many texts as go": _entries(lambda n: entry(f"{n}", "\U0001f600" * 200)),
    "as many shapes as go": _entries(lambda n: entry(f"comfy.gguf.orig_shape.{n}", [1] * 5)),
    "a wide text": header(entry("a", "x" * (4 * MB - 200) + "\U0001f600"), tensor("a", (1,)), (1, 1)),
    "an array of texts": header(entry("a", ["x"] * gguf_header.MAX_TEXTS), tensor("a", (1,)), (1, 1)),
    "an array of numbers": header(entry("a", [1] * (MB - 200)), tensor("a", (1,)), (1, 1)),
    "goes on": header(text("a", 2**40), b"", (1, 1)) + b"x" * (5 * MB),
}
NASTY_FILES = {**{name: _file(raw) for name, raw in NASTY.items()}, **{f"GGUF: {n}": r for n, r in NASTY_GGUF.items()}}


@pytest.mark.parametrize("name", NASTY_FILES)
def test_no_file_takes_64_mb(tmp_path: Path, name: str, peak: Callable[[], int]) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(NASTY_FILES[name])
    _judge(lambda: read_header(str(path)))
    assert peak() < MOST_MEMORY


class _Counting(io.FileIO):
    read_bytes = 0

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        _Counting.read_bytes += count or 0
        return count


@pytest.mark.parametrize("claim", [100 * MB, 100 * MB - 8, MAX_HEADER_BYTES + 1, 2**40, 2**63, 2**64 - 1])
def test_a_claim_of_100_mb_is_refused_unread(
    tmp_path: Path, claim: int, monkeypatch: pytest.MonkeyPatch, peak: Callable[[], int]
) -> None:
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write(_file(b"{", claim))
        file.truncate(2**30)  # sparse
    monkeypatch.setattr(_Counting, "read_bytes", 0)
    monkeypatch.setattr(headers, "open", lambda path, mode: io.BufferedReader(_Counting(path)), raising=False)
    with pytest.raises(DamagedFileError):
        read_header(str(path))
    assert 8 <= _Counting.read_bytes <= 2 * io.DEFAULT_BUFFER_SIZE  # read once more: a damage has to be met twice
    assert peak() < MB


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("pipe", "folder", "endless"):
        with pytest.raises(DamagedFileError, match="not a file"):
            read_header(str(tmp_path / name))
    for name in ("nowhere", "loop"):
        with pytest.raises(OSError, match="nowhere|loop"):
            read_header(str(tmp_path / name))


def test_headers_as_large_as_they_get_are_read(tmp_path: Path) -> None:
    """FLUX in nf4, a LyCORIS of SDXL, each with 3 MB of training tags."""
    tags = json.dumps({"set": {f"tag number {n}": n for n in range(110_000)}})
    assert len(tags) > 2_500_000
    for count, shape in ((3500, [9437184, 1]), (4800, [4, 640, 1, 1])):
        name = "model.diffusion_model.single_blocks.{}.linear1.weight.quant_state.bitsandbytes__nf4"
        entries = {name.format(n): _tensor(*shape) for n in range(count)}
        path = tmp_path / "x.safetensors"
        metadata = {"ss_tag_frequency": tags, "modelspec.title": "mine"}
        path.write_bytes(_file(json.dumps({"__metadata__": metadata, **entries}).encode()))
        headers.forget()
        header = read_header(str(path))
        assert len(header.shapes) == count
        assert header.metadata == {"modelspec.title": "mine"}


@pytest.mark.parametrize("text", ["{}", "[]", '"a"', "0", "[0]", '{"a":[1,{"b":"c,{["}]}', '["\\\\","\\"",""]'])
def test_values_are_counted_outside_of_strings(text: str) -> None:
    """One fewer than there are is too few."""

    def count(value: Any) -> int:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return len(parts) + sum(map(count, parts))

    value = json.loads(text)
    marks = bounded_json._weight(text.encode(), 1000)
    assert count(value) <= marks <= count(value) + sum(map(text.count, "{["))
    assert bounded_json.read(text.encode(), marks) == value
    if marks:
        with pytest.raises(bounded_json.TooMuchError):
            bounded_json.read(text.encode(), marks - 1)
