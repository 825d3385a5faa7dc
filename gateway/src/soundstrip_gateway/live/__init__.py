"""Live events: a process of its own, which writes to the sockets that the gateway hands it."""
