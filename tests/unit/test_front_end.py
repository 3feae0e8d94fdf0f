"""The front end of docs/many-machines.md: what stands there is what HAProxy takes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "many-machines.md"
CREDENTIALS = (
    ("    # http-check send", "    http-check send"),
    ("# userlist people\n#     user", "userlist people\n    user"),
    ("    # http-request auth", "    http-request auth"),
)


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")
@pytest.mark.parametrize("changes", [(), CREDENTIALS], ids=["as it stands", "with credentials"])
def test_haproxy_takes_the_example(changes: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    found = re.search(r"```haproxy\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    text = found[1]
    for commented, line in changes:
        assert commented in text
        text = text.replace(commented, line)
    (tmp_path / "haproxy.cfg").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["haproxy", "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
