"""Run by the hosts before they start: there is nothing to install that they don't bring themselves."""
