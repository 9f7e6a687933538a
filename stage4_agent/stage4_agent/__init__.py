"""Stage 4, a research agent that survives a broken tool. Not built yet: see README."""
