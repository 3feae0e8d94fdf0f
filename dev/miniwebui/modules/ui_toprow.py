"""The row of prompts and buttons at the top of txt2img and img2img."""

from __future__ import annotations

import gradio as gr

from modules import images, shared, ui_prompt_styles
from modules.ui_components import ToolButton

paste_symbol = "\u2199\ufe0f"  # ↙️
clear_prompt_symbol = "\U0001f5d1\ufe0f"  # 🗑️
apply_style_symbol = "\U0001f4cb"  # 📋
restore_progress_symbol = "\U0001f300"  # 🌀


class Toprow:
    """The prompts, Generate with Interrupt and Skip over it, and the tools below."""

    def __init__(self, is_img2img: bool):
        self.id_part = "img2img" if is_img2img else "txt2img"
        with gr.Row(elem_id=f"{self.id_part}_toprow", variant="compact"):
            self._create_prompts()
            with gr.Column(scale=1, elem_id=f"{self.id_part}_actions_column"):
                self._create_submit_box()
                self._create_tools_row()
                self.ui_styles = ui_prompt_styles.UiPromptStyles(self.id_part, self.prompt, self.negative_prompt)
                self.ui_styles.setup_apply_button(self.apply_styles)

    def _create_prompts(self) -> None:
        with gr.Column(elem_id=f"{self.id_part}_prompt_container", scale=6):
            with gr.Row(elem_id=f"{self.id_part}_prompt_row", elem_classes=["prompt-row"]):
                self.prompt = self._prompt_box("Prompt", "prompt")
                self.prompt_img = gr.File(
                    label="", elem_id=f"{self.id_part}_prompt_image", file_count="single", type="binary", visible=False
                )
            with gr.Row(elem_id=f"{self.id_part}_neg_prompt_row", elem_classes=["prompt-row"]):
                self.negative_prompt = self._prompt_box("Negative prompt", "neg_prompt")
        self.prompt_img.change(
            fn=images.image_data,
            inputs=[self.prompt_img],
            outputs=[self.prompt, self.prompt_img],
            show_progress=False,
        )

    def _prompt_box(self, label: str, name: str) -> gr.Textbox:
        return gr.Textbox(
            label=label,
            elem_id=f"{self.id_part}_{name}",
            show_label=False,
            lines=3,
            placeholder=f"{label}\n(Ctrl+Enter generates, Alt+Enter skips, Esc interrupts)",
            elem_classes=["prompt"],
            value="",
        )

    def _create_submit_box(self) -> None:
        part = self.id_part
        with gr.Row(elem_id=f"{part}_generate_box", elem_classes=["generate-box"]):
            self.interrupt = gr.Button("Interrupt", elem_id=f"{part}_interrupt", elem_classes="generate-box-interrupt")
            self.skip = gr.Button("Skip", elem_id=f"{part}_skip", elem_classes="generate-box-skip")
            self.interrupting = gr.Button(
                "Interrupting...", elem_id=f"{part}_interrupting", elem_classes="generate-box-interrupting"
            )
            self.submit = gr.Button("Generate", elem_id=f"{part}_generate", variant="primary")
        self.skip.click(fn=lambda: shared.state.skip(), queue=False)
        self.interrupt.click(
            fn=lambda: shared.state.interrupt(),
            _js=f"() => showSubmitInterruptingPlaceholder('{part}')",
            queue=False,
        )
        self.interrupting.click(fn=lambda: shared.state.interrupt(), queue=False)

    def _create_tools_row(self) -> None:
        part = self.id_part
        with gr.Row(elem_id=f"{part}_tools"):
            self.paste = ToolButton(
                paste_symbol,
                elem_id="paste",
                tooltip="Fill the fields from the infotext in the prompt, or from the last picture's.",
            )
            self.clear_prompt_button = ToolButton(
                clear_prompt_symbol, elem_id=f"{part}_clear_prompt", tooltip="Clear both prompts"
            )
            self.apply_styles = ToolButton(
                apply_style_symbol,
                elem_id=f"{part}_style_apply",
                tooltip="Write the chosen styles into the prompts",
            )
            self.restore_progress_button = ToolButton(
                restore_progress_symbol,
                elem_id=f"{part}_restore_progress",
                visible=False,
                tooltip="Follow the generation that was running when the page was reloaded",
            )
        self.clear_prompt_button.click(
            fn=lambda: ("", ""),
            inputs=[],
            outputs=[self.prompt, self.negative_prompt],
            show_progress=False,
        )
