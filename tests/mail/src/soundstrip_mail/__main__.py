"""Starts the sink: `python -m soundstrip_mail`."""

from soundstrip_mail.main import main

main()
