"""The page in other languages: files of {text: translation}, the host's own and the extensions'."""

from __future__ import annotations

import json
import os

from modules import errors, scripts

localizations: dict[str, list[str]] = {}
"""Name of a language's files → those files; later ones win."""


def list_localizations(dirname: str) -> None:
    """Look for the files anew: LANGUAGE.json in the host's folder and in each extension's ``localizations``."""
    localizations.clear()
    own = sorted(os.listdir(dirname)) if os.path.isdir(dirname) else []
    found = [(name, os.path.join(dirname, name)) for name in own]
    found += [(file.filename, file.path) for file in scripts.list_scripts("localizations", ".json")]
    for name, path in found:
        language, extension = os.path.splitext(name)
        if extension.lower() == ".json":
            localizations.setdefault(language, []).append(path)


def localization_js(current_localization_name: str) -> str:
    """The script that gives the page its translations; a broken file is reported and passed over."""
    texts: dict[str, str] = {}
    for path in localizations.get(current_localization_name, ()):
        try:
            with open(path, encoding="utf8") as file:
                texts.update(json.load(file))
        except Exception:
            errors.report(f"Error loading localization from {path}", exc_info=True)
    return f"window.localization = {json.dumps(texts)}"
