"""`python -m traceability` is the program `traceability`."""

from traceability.cli import main

main()
