"""The contract of Soundstrip: what passes between its rooms, and nothing of how they work."""
