"""Postprocessing scripts: known by name, so that extensions which bring one still load."""


class ScriptPostprocessing:
    name = None
    order = 1000

    def ui(self):
        return {}

    def process(self, pp, **args):
        pass


class ScriptPostprocessingRunner:
    def __init__(self):
        self.scripts = []
        self.ui_created = False
