"""`python -m mbuild` is the same program as `mbuild`."""

from mbuild.cli import main

if __name__ == "__main__":
    main()
