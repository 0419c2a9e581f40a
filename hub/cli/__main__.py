"""`python -m hub.cli`, the same as `hub`."""

from . import main

main(prog_name="hub")
