"""`python -m adapters.cli` is `argus`."""

from adapters.cli import main

main()
