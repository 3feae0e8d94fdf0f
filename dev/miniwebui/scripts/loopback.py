"""img2img: each result is the next one's init image. The same p is processed again and again, as on the hosts."""

import gradio as gr

from modules import images, processing, scripts
from modules.shared import opts, state


class Script(scripts.Script):
    def title(self):
        return "Loopback"

    def show(self, is_img2img):
        return is_img2img

    def ui(self, is_img2img):
        loops = gr.Slider(minimum=1, maximum=32, step=1, label="Loops", value=2, elem_id=self.elem_id("loops"))
        strength = gr.Slider(
            minimum=0,
            maximum=1,
            step=0.01,
            label="Final denoising strength",
            value=0.5,
            elem_id=self.elem_id("final_denoising_strength"),
        )
        curve = gr.Dropdown(label="Denoising strength curve", choices=["Linear"], value="Linear")
        return [loops, strength, curve]

    def run(self, p, loops, final_denoising_strength, denoising_curve):
        processing.fix_seed(p)
        loops, first = int(loops), p.denoising_strength
        p.do_not_save_grid = True
        state.job_count = loops
        pictures, info, last = [], "", None
        for loop in range(loops):
            p.n_iter, p.batch_size = 1, 1
            share = loop / (loops - 1) if loops > 1 else 0
            p.denoising_strength = first + (final_denoising_strength - first) * share
            last = processing.process_images(p)
            if state.interrupted or state.stopping_generation:
                break
            info = info or last.info
            p.init_images = [last.images[0]]
            p.seed = last.seed + 1
            pictures.append(last.images[0])
        grids = [images.image_grid(pictures, rows=1)] if len(pictures) > 1 and opts.return_grid else []
        last.images = grids + pictures
        last.infotexts = [info] * len(last.images)
        return last
