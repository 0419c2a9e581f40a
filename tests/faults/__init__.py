"""The real processes under faults, from a seed: `python -m tests.faults`. tests/README.md tells how."""
