"""Fills `shared`, in the order in which its parts need each other."""


def initialize():
    from modules import devices, options, shared, shared_options, shared_state, shared_total_tqdm

    shared.options_templates = shared_options.options_templates
    shared.restricted_opts = shared_options.restricted_opts
    shared.opts = options.Options(shared.options_templates, shared.restricted_opts)
    shared.opts.load(shared.config_filename)
    shared.device = devices.device
    shared.state = shared_state.State()

    from modules import styles

    shared.prompt_styles = styles.StyleDatabase(shared.styles_filename)
    shared.total_tqdm = shared_total_tqdm.TotalTQDM()
