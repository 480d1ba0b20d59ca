"""`python -m medaug_cli`: the same as the command `medaug`."""

from medaug_cli.cli import main

if __name__ == "__main__":
    main()
