"""Stage 4: a research agent with three tools that survives a broken one. Not built yet; the target is in the README."""
