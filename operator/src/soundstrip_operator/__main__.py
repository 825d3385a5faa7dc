"""`python -m soundstrip_operator`."""

from soundstrip_operator.main import main

main()
