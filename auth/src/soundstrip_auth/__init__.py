"""Soundstrip's users, passwords and tokens."""
