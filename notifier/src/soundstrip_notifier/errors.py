"""What can go wrong with a message, by whose fault it is."""


class Malformed(ValueError):
    """The publisher's fault: the message is none of ours, or says what cannot be."""


class Unavailable(Exception):
    """The world's fault: a server is away, slow or out of sorts; a later try may succeed."""
