"""StartError: the one exception that ends a process, with a sentence that says what to change."""


class StartError(Exception):
    """A process cannot start (or cannot go on starting); the message names the cause and the remedy in one sentence."""
