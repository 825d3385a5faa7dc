"""A real SMTP server that keeps what it gets in memory and shows it by HTTP; for demo and tests."""
