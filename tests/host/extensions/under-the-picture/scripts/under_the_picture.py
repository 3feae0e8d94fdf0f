"""Another extension: GET /under-the-picture tells what the page shows under the last picture, less the infotext."""

from modules import script_callbacks, scripts

LAST = {"comments": []}


class UnderThePicture(scripts.Script):
    def title(self):
        return "Under the picture"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def postprocess(self, p, processed):
        LAST["comments"] = list(p.comments)


script_callbacks.on_app_started(lambda _, app: app.add_api_route("/under-the-picture", lambda: LAST["comments"]))
