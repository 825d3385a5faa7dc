"""The HTTP face of auth: each route parses, calls, and answers."""
