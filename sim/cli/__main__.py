"""`python -m sim.cli` is the command `sim` as well, as `python -m sim` is."""

from sim.cli.commands import main

if __name__ == "__main__":
    main()
