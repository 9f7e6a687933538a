"""A command line that streams an answer and prints what it cost and how long it took."""
