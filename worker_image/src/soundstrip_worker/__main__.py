"""`python -m soundstrip_worker mover|converter`."""

from soundstrip_worker.main import main

main()
