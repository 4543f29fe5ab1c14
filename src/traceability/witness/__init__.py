"""Watching logs: cosigning them, asking others to, mirroring and monitoring them, and proving what went wrong."""
