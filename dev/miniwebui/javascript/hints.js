// Shows the tooltips that python gave to components.

onUiLoaded(() => {
    for (const component of window.gradio_config.components) {
        const id = component.props?.elem_id;
        const tooltip = component.props?.webui_tooltip;
        const element = id && tooltip && gradioApp().getElementById(id);
        if (element) {
            element.title = tooltip;
        }
    }
});
