"""Stage 3, answers over a corpus with citations and refusal. Not built yet: see README."""
