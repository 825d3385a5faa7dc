"""`python -m soundstrip_operator.release`."""

from soundstrip_operator.release.main import main

main()
