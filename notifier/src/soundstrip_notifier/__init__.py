"""Tells people by e-mail how their conversions ended."""
