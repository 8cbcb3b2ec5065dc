"""`python -m pipelines.cli`: the command `charter` where the package is not installed."""

from pipelines.cli import main

main()
