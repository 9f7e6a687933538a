"""Stage 3, question answering over a corpus with citations and refusal. Not built yet: see README."""
