"""Finding and loading scripts; the ScriptRunner stands in `script_runner`."""

from __future__ import annotations

import inspect
import os
import sys
from collections import namedtuple
from dataclasses import dataclass

from modules import (
    errors,
    extensions,
    paths_internal,
    script_callbacks,
    script_loading,
    scripts_postprocessing,
    timer,
    util,
)
from modules.profiles import PROFILE
from modules.script_base import (  # noqa: F401
    AlwaysVisible,
    MaskBlendArgs,
    OnComponent,
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
    Script,
    ScriptBuiltinUI,
)

topological_sort = util.topological_sort
script_path = paths_internal.script_path

current_basedir = script_path

ScriptFile = namedtuple("ScriptFile", ["basedir", "filename", "path"])
ScriptClassData = namedtuple("ScriptClassData", ["script_class", "path", "basedir", "module"])

scripts_data: list[ScriptClassData] = []
postprocessing_scripts_data: list[ScriptClassData] = []


def basedir():
    """The folder of the extension whose script is being loaded, or the host's root."""
    return current_basedir


@dataclass
class ScriptWithDependencies:
    script_canonical_name: str
    file: ScriptFile
    requires: list
    load_before: list
    load_after: list


def _own_scripts(scriptdirname, extension) -> dict[str, ScriptWithDependencies]:
    folder = os.path.join(script_path, scriptdirname)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {
        name: ScriptWithDependencies(name, ScriptFile(script_path, name, os.path.join(folder, name)), [], [], [])
        for name in names
        if os.path.isfile(os.path.join(folder, name)) and os.path.splitext(name)[1].lower() == extension
    }


def list_scripts(scriptdirname, extension, *, include_extensions=True):
    """Script files in the order in which metadata.ini files want them loaded."""
    found = _own_scripts(scriptdirname, extension)
    of_extension: dict[str, list[ScriptWithDependencies]] = {}
    for ext in extensions.active() if include_extensions else ():
        own = of_extension.setdefault(ext.canonical_name, [])
        for file in ext.list_files(scriptdirname, extension):
            name = ("builtin/" if ext.is_builtin else "") + f"{ext.canonical_name}/{file.filename}"
            relative = f"{scriptdirname}/{file.filename}"

            def wanted(field, ext=ext, relative=relative):
                return ext.metadata.get_script_requirements(field, relative, scriptdirname)

            script = ScriptWithDependencies(name, file, wanted("Requires"), wanted("Before"), wanted("After"))
            found[name] = script
            own.append(script)

    for name, script in found.items():
        for other in script.load_before:
            if other in found:
                found[other].load_after.append(name)
            for entry in of_extension.get(other, ()):
                entry.load_after.append(name)
        for other in list(script.load_after):
            if other not in found and other in of_extension:
                script.load_after.remove(other)
                script.load_after += [x.script_canonical_name for x in of_extension[other]]
    for name, script in found.items():
        for required in script.requires:
            if required not in found and required not in of_extension:
                errors.report(f'Script "{name}" requires "{required}" to be loaded, but it is not.')
    order = util.topological_sort({name: script.load_after for name, script in found.items()})
    return [found[name].file for name in order]


def list_files_with_name(filename):
    folders = [script_path, *(ext.path for ext in extensions.active())]
    paths = (os.path.join(folder, filename) for folder in folders if os.path.isdir(folder))
    return [path for path in paths if os.path.isfile(path)]


def _register(module, file: ScriptFile) -> None:
    for value in module.__dict__.values():
        if not inspect.isclass(value):
            continue
        data = ScriptClassData(value, file.path, file.basedir, module)
        if issubclass(value, Script):
            scripts_data.append(data)
        elif issubclass(value, scripts_postprocessing.ScriptPostprocessing):
            postprocessing_scripts_data.append(data)


def load_scripts():
    """Run all scripts; an extension's folder is on sys.path while its scripts load (on Forge it stays there)."""
    global current_basedir, scripts_txt2img, scripts_img2img, scripts_postproc
    from modules.script_runner import ScriptRunner

    scripts_data.clear()
    postprocessing_scripts_data.clear()
    script_callbacks.clear_callbacks()
    files = list_scripts("scripts", ".py") + list_scripts("modules/processing_scripts", ".py", include_extensions=False)
    if PROFILE.sorted_ui_scripts:  # Forge's family keeps the folders on the path
        for file in files:
            if file.basedir not in sys.path:
                sys.path = [file.basedir, *sys.path]
    syspath = sys.path
    for file in files:
        try:
            if file.basedir != script_path:
                sys.path = [file.basedir, *sys.path]
            current_basedir = file.basedir
            _register(script_loading.load_module(file.path), file)
        except Exception:
            errors.report(f"Error loading script: {file.filename}", exc_info=True)
        finally:
            sys.path = syspath
            current_basedir = script_path
            timer.startup_timer.record(file.filename)
    scripts_txt2img = ScriptRunner()
    scripts_img2img = ScriptRunner()
    scripts_postproc = scripts_postprocessing.ScriptPostprocessingRunner()


def wrap_call(func, filename, funcname, *args, default=None, **kwargs):
    try:
        return func(*args, **kwargs)
    except Exception:
        errors.report(f"Error calling: {filename}/{funcname}", exc_info=True)
    return default


scripts_txt2img = None
scripts_img2img = None
scripts_postproc = None
scripts_current = None


def reload_script_body_only():
    cache: dict = {}
    scripts_txt2img.reload_sources(cache)
    scripts_img2img.reload_sources(cache)


reload_scripts = load_scripts


def __getattr__(name):
    if name == "ScriptRunner":
        from modules.script_runner import ScriptRunner

        return ScriptRunner
    raise AttributeError(name)
