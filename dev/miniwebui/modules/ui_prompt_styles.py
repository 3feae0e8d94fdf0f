"""The dropdown of prompt styles."""

from __future__ import annotations

import gradio as gr

from modules import shared, ui_common


class UiPromptStyles:
    """Lets one choose styles for the next picture, or write them into the prompts."""

    def __init__(self, tabname: str, prompt: gr.Textbox, negative_prompt: gr.Textbox):
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        with gr.Row(elem_id=f"{tabname}_styles_row"):
            self.dropdown = gr.Dropdown(
                label="Styles",
                show_label=False,
                elem_id=f"{tabname}_styles",
                choices=list(shared.prompt_styles.styles),
                value=[],
                multiselect=True,
                tooltip="Styles",
            )
            ui_common.create_refresh_button(
                self.dropdown,
                shared.prompt_styles.reload,
                lambda: {"choices": list(shared.prompt_styles.styles)},
                f"refresh_{tabname}_styles",
            )

    def setup_apply_button(self, button: gr.Button) -> None:
        """Let a button write the chosen styles into the prompts."""
        fields = [self.prompt, self.negative_prompt, self.dropdown]
        button.click(fn=materialize_styles, inputs=fields, outputs=fields, show_progress=False)


def materialize_styles(prompt: str, negative_prompt: str, styles: list[str]):
    """Both prompts with the styles written out, and an empty choice."""
    database = shared.prompt_styles
    return (
        database.apply_styles_to_prompt(prompt, styles),
        database.apply_negative_styles_to_prompt(negative_prompt, styles),
        gr.update(value=[]),
    )
