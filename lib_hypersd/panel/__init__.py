"""The panel in the host's page: its controls, what it shows of a plan, and its listeners."""
