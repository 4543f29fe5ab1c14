"""The append-only store. All SQL lives here; what is decided is decided in `core`."""
