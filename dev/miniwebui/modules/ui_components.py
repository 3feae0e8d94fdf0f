"""The components that hosts add to gradio's own; extensions import them from here."""

from functools import wraps

import gradio as gr

from modules import gradio_extensions  # noqa: F401  patches gradio before classes derive from it


class FormComponent:
    """Marks a component that sits inside a form without a frame of its own."""

    webui_do_not_create_gradio_pyi_thank_you = True

    def get_expected_parent(self):
        return gr.components.Form


gr.Dropdown.get_expected_parent = FormComponent.get_expected_parent


class ToolButton(gr.Button, FormComponent):
    """A small square button that shows one symbol."""

    @wraps(gr.Button.__init__)
    def __init__(self, value="", *args, elem_classes=None, **kwargs):
        super().__init__(*args, value=value, elem_classes=["tool", *(elem_classes or [])], **kwargs)

    def get_block_name(self):
        return "button"


class ResizeHandleRow(gr.Row):
    """The row of settings and pictures: two columns side by side."""

    webui_do_not_create_gradio_pyi_thank_you = True

    @wraps(gr.Row.__init__)
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.elem_classes.append("resize-handle-row")

    def get_block_name(self):
        return "row"


class FormRow(gr.Row, FormComponent):
    """A row inside a form."""

    def get_block_name(self):
        return "row"


class FormColumn(gr.Column, FormComponent):
    """A column inside a form."""

    def get_block_name(self):
        return "column"


class FormGroup(gr.Group, FormComponent):
    """A group inside a form."""

    def get_block_name(self):
        return "group"


class FormHTML(gr.HTML, FormComponent):
    """A piece of HTML inside a form."""

    def get_block_name(self):
        return "html"


class FormColorPicker(gr.ColorPicker, FormComponent):
    """A colour picker inside a form."""

    def get_block_name(self):
        return "colorpicker"


class DropdownMulti(gr.Dropdown, FormComponent):
    """A dropdown of which several entries may be chosen."""

    @wraps(gr.Dropdown.__init__)
    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "multiselect": True})

    def get_block_name(self):
        return "dropdown"


class DropdownEditable(gr.Dropdown, FormComponent):
    """A dropdown that also takes a typed value."""

    @wraps(gr.Dropdown.__init__)
    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "allow_custom_value": True})

    def get_block_name(self):
        return "dropdown"


class InputAccordionImpl(gr.Checkbox):
    """A checkbox that shows as an accordion; its value says whether the accordion's feature is on.

    The checkbox itself is hidden. javascript/inputAccordion.js puts a visible twin into the accordion's label
    and keeps the three in step. The accordion has ``elem_id``, the hidden checkbox ``elem_id-checkbox``, the
    visible one ``elem_id-visible-checkbox``.
    """

    webui_do_not_create_gradio_pyi_thank_you = True
    global_index = 0

    @wraps(gr.Checkbox.__init__)
    def __init__(self, value=None, setup=False, **kwargs):
        if not setup:  # gradio makes one like this for an update
            super().__init__(value=value, **kwargs)
            return
        self.accordion_id = kwargs.get("elem_id")
        if self.accordion_id is None:
            self.accordion_id = f"input-accordion-{InputAccordionImpl.global_index}"
            InputAccordionImpl.global_index += 1
        super().__init__(value=value, **{**kwargs, "elem_id": f"{self.accordion_id}-checkbox", "visible": False})
        self.change(fn=None, _js=f"(checked) => inputAccordionChecked('{self.accordion_id}', checked)", inputs=[self])
        frame = {
            "label": "Accordion",
            **kwargs,
            "elem_id": self.accordion_id,
            "elem_classes": ["input-accordion"],
        }
        self.accordion = gr.Accordion(open=bool(value), **frame)

    def extra(self) -> gr.Column:
        """A place inside the accordion's label: ``with accordion.extra(): FormHTML(...)``."""
        return gr.Column(elem_id=f"{self.accordion_id}-extra", elem_classes="input-accordion-extra", min_width=0)

    def __enter__(self):
        self.accordion.__enter__()
        return self

    def __exit__(self, *exc_info):
        self.accordion.__exit__(*exc_info)

    def get_block_name(self):
        return "checkbox"


def InputAccordion(value=None, **kwargs) -> InputAccordionImpl:  # noqa: N802  a class on A1111
    """Make an accordion that is an input: True when on."""
    return InputAccordionImpl(value=value, setup=True, **kwargs)
