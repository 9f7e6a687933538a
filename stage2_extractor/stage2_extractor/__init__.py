"""Stage 2, structured output with versioned prompts and a labelled eval. Not built yet: see README."""
