"""Stage 2: structured output from text, with versioned prompts and a labelled eval. Not built yet; the target is in the README."""
