"""Where Soundstrip keeps its bytes; this package alone knows the layout in MongoDB."""
