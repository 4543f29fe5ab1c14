"""`python -m traceability` is the program `traceability`."""

from traceability.cli import main

if __name__ == "__main__":  # a process that fsck starts beside this one imports this file too
    main()
