"""Extensions: folders with scripts, and the order that their metadata.ini asks for."""

from __future__ import annotations

import configparser
import dataclasses
import os
import re
from collections.abc import Iterator

from modules import errors, shared
from modules.paths_internal import extensions_builtin_dir, extensions_dir

extensions: list[Extension] = []
extension_paths: dict[str, Extension] = {}
loaded_extensions: dict[str, Extension] = {}


def active() -> list[Extension]:
    if shared.cmd_opts.disable_all_extensions or shared.opts.disable_all_extensions == "all":
        return []
    builtin_only = shared.cmd_opts.disable_extra_extensions or shared.opts.disable_all_extensions == "extra"
    return [x for x in extensions if x.enabled and (x.is_builtin or not builtin_only)]


@dataclasses.dataclass
class CallbackOrderInfo:
    name: str
    before: list[str]
    after: list[str]


class ExtensionMetadata:
    """metadata.ini: [Extension] Requires; [scripts/NAME] Requires, Before, After; [callbacks/NAME] Before, After."""

    filename = "metadata.ini"

    def __init__(self, path, canonical_name):
        self.config = configparser.ConfigParser()
        try:
            self.config.read(os.path.join(path, self.filename))
        except Exception:
            errors.report(f"Error reading {self.filename} for extension {canonical_name}.", exc_info=True)
        self.canonical_name = canonical_name.lower().strip()  # the hosts read [Extension] Name and drop it here
        self.requires: list[str] = []

    def get_script_requirements(self, field, section, extra_section=None):
        """Names listed under `field`; of alternatives "a|b" the first that is installed."""
        text = self.config.get(section, field, fallback="")
        if extra_section:
            text += ", " + self.config.get(extra_section, field, fallback="")
        return [
            next((name for name in entry.split("|") if name in loaded_extensions), entry)
            for entry in self.parse_list(text.lower())
        ]

    def parse_list(self, text):
        return [x for x in re.split(r"[,\s]+", text.strip()) if x] if text else []

    def list_callback_order_instructions(self) -> Iterator[CallbackOrderInfo]:
        for section in self.config.sections():
            if not section.startswith("callbacks/"):
                continue
            name = section.removeprefix("callbacks/")
            if not name.startswith(self.canonical_name):
                errors.report(
                    f"Callback order section for extension {self.canonical_name} "
                    f"is referencing the wrong extension: {section}"
                )
                continue
            yield CallbackOrderInfo(
                name,
                self.parse_list(self.config.get(section, "Before", fallback="")),
                self.parse_list(self.config.get(section, "After", fallback="")),
            )


class Extension:
    def __init__(self, name, path, enabled=True, is_builtin=False, metadata=None):
        self.name = name
        self.path = path
        self.enabled = enabled
        self.is_builtin = is_builtin
        self.status = self.commit_hash = self.version = ""
        self.remote = self.branch = self.commit_date = None
        self.metadata = metadata or ExtensionMetadata(path, name)
        self.canonical_name = self.metadata.canonical_name

    def read_info_from_repo(self):
        """Git facts stay unknown."""

    def list_files(self, subdir, extension):
        from modules import scripts

        folder = os.path.join(self.path, subdir)
        if not os.path.isdir(folder):
            return []
        files = (scripts.ScriptFile(self.path, name, os.path.join(folder, name)) for name in sorted(os.listdir(folder)))
        return [x for x in files if os.path.splitext(x.path)[1].lower() == extension and os.path.isfile(x.path)]


def _folders() -> Iterator[tuple[str, bool]]:
    for root in (extensions_builtin_dir, extensions_dir):
        if os.path.isdir(root):
            for name in sorted(os.listdir(root)):
                if os.path.isdir(os.path.join(root, name)):
                    yield os.path.join(root, name), root == extensions_builtin_dir
    for path in shared.cmd_opts.extra_extension:
        yield os.path.realpath(path), False


def list_extensions() -> None:
    extensions.clear()
    extension_paths.clear()
    loaded_extensions.clear()
    for path, is_builtin in _folders():
        name = os.path.basename(path)
        if path in extension_paths:
            continue
        copies = sum(x.startswith(name.lower()) for x in loaded_extensions)
        metadata = ExtensionMetadata(path, name if name.lower() not in loaded_extensions else f"{name}-{copies + 1}")
        enabled = name not in shared.opts.disabled_extensions
        extension = Extension(name, path, enabled, is_builtin, metadata)
        extensions.append(extension)
        extension_paths[path] = extension
        loaded_extensions[extension.canonical_name] = extension
    for extension in extensions:
        extension.metadata.requires = extension.metadata.get_script_requirements("Requires", "Extension")
        for name in extension.metadata.requires if extension.enabled else ():
            required = loaded_extensions.get(name)
            if required is None:
                errors.report(f'Extension "{extension.name}" requires "{name}" which is not installed.')
            elif not required.enabled:
                errors.report(f'Extension "{extension.name}" requires "{required.name}" which is disabled.')


def find_extension(filename) -> Extension | None:
    """The extension in whose folder this file lies."""
    folder = os.path.dirname(os.path.realpath(filename))
    while folder != filename:
        if folder in extension_paths:
            return extension_paths[folder]
        filename, folder = folder, os.path.dirname(folder)
    return None
