"""`python -m mlforge`: the command line, where there is no console script, as under torchrun."""

from mlforge.cli import main

if __name__ == "__main__":
    main()
