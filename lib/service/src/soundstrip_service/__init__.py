"""What every Soundstrip service has: settings, logs, health, problems and a server."""
