"""What runs in a conversion's pod: the mover, with credentials, and the converter, without any."""
