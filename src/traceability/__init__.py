"""A mineral chain-of-custody ledger."""
