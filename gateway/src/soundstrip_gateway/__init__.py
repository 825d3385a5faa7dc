"""Soundstrip's HTTP face: uploads, conversions, downloads."""
