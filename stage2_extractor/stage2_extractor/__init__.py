"""A structured-output extractor with versioned prompts and a labelled eval. Not built yet: see the README beside this folder."""
