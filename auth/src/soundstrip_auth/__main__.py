"""`python -m soundstrip_auth`."""

import sys

from soundstrip_auth.main import main

main(sys.argv[1:])
