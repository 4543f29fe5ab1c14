"""HTTP for machines: a route parses, calls the ledger once, answers."""
