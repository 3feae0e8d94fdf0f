"""Names, files and order."""

import os
import re

from modules.paths_internal import cwd, script_path


def natural_sort_key(text, regex=re.compile("([0-9]+)")):
    """Sorts "step-10" after "step-9"."""
    return [int(part) if part.isdigit() else part.lower() for part in regex.split(text)]


def listfiles(dirname):
    paths = (os.path.join(dirname, x) for x in sorted(os.listdir(dirname), key=natural_sort_key) if x[0] != ".")
    return [path for path in paths if os.path.isfile(path)]


def html_path(filename):
    return os.path.join(script_path, "html", filename)


def html(filename):
    try:
        with open(html_path(filename), encoding="utf8") as file:
            return file.read()
    except OSError:
        return ""


def walk_files(path, allowed_extensions=None):
    """All files under `path`, in natural order, through links too."""
    if not os.path.exists(path):
        return
    for root, _, files in sorted(os.walk(path, followlinks=True), key=lambda x: natural_sort_key(x[0])):
        for filename in sorted(files, key=natural_sort_key):
            if allowed_extensions is None or os.path.splitext(filename)[1].lower() in allowed_extensions:
                yield os.path.join(root, filename)


def truncate_path(target_path, base_path=cwd):
    """The path relative to `base_path` where it lies below it."""
    target, base = os.path.abspath(target_path), os.path.abspath(base_path)
    return os.path.relpath(target, base) if target.startswith(base + os.sep) else target


def ldm_print(*args, **kwargs):
    """The model libraries' chatter, which the hosts hide."""


def topological_sort(dependencies: dict[str, list[str]]) -> list[str]:
    """Names so that each stands after those it depends on; unknown names and cycles are passed over."""
    visited: set[str] = set()
    result: list[str] = []

    def visit(name: str) -> None:
        visited.add(name)
        for dependency in dependencies[name]:
            if dependency in dependencies and dependency not in visited:
                visit(dependency)
        result.append(name)

    for name in dependencies:
        if name not in visited:
            visit(name)
    return result
