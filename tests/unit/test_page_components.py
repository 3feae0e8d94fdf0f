"""The host's components that the panel reads: caught by their ids until the tab is built, and not after it."""

from __future__ import annotations

from lib_hypersd.panel.page_components import PageComponents

VALUES = ["a cat", 20, True, "auto", "8"]
"""Of the page's two components, then the panel's."""


def _built() -> PageComponents:
    page = PageComponents("txt2img")
    page.connect = lambda: None
    for elem_id in ("txt2img_prompt", "txt2img_steps", "html_log_txt2img"):
        page.catch(object(), elem_id)
    return page


def test_a_listeners_values_are_split_by_what_was_there_when_it_was_bound() -> None:
    assert _built().split(VALUES) == ({"prompt": "a cat", "steps": 20}, [True, "auto", "8"])


def test_a_later_component_with_an_id_of_the_hosts_shifts_no_value() -> None:
    """Another extension's, built after the tab; its value is in no listener's call."""
    page = _built()
    for elem_id in ("txt2img_sampling", "hires_prompt", "txt2img_prompt", "script_txt2img_xyz_plot_x_type"):
        page.catch(object(), elem_id)
    assert page.split(VALUES) == ({"prompt": "a cat", "steps": 20}, [True, "auto", "8"])
    assert page.plot == {}


def test_listeners_are_bound_once() -> None:
    page, bound = PageComponents("txt2img"), []
    page.connect = lambda: bound.append(dict(page.components))
    for _ in range(2):
        page.catch("first", "txt2img_prompt")
        page.catch("log", "html_log_txt2img")
    assert bound == [{"prompt": "first"}]


def test_a_tab_without_a_panel_goes_on_catching() -> None:
    page = PageComponents("img2img")
    page.catch("log", "html_log_img2img")
    page.catch("prompt", "img2img_prompt")
    assert page.components == {"prompt": "prompt"}
