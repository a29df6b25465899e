"""`python -m conch.cli` is `conch`."""

from conch.cli import main

main()
