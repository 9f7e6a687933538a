"""Stage 2: structured output from text, with versioned prompts and a labelled eval.

Read in this order: `contract` (what a solution must do), `records`, `prompts` and `shape` (what is
asked), `checks` and `evidence` (what is believed), `extract` (the ladder of tries), `documents` and
`batch` (files and folders), `metrics`, `evaluation`, `score`, `examine`, `cli`.
"""
