"""The scenario suite: promises of the contract, checked over HTTP against any WebUI that has the extension."""
