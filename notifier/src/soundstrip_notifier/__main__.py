"""Starts the notifier: `python -m soundstrip_notifier`."""

from soundstrip_notifier.main import main

main()
