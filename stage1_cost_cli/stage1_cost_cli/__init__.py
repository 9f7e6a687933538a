"""Stage 1: a command line that streams an answer and prints what it cost and how long it took.

Read in this order: `contract` (what a solution must do), `ask` (one question, several models),
`receipt` (what it cost), `estimate` (what it will cost), `books` (ledger, trace, budget), `chat`
and `conversation` (several turns), `ledger`, `forecast`, `score`, `examine` (your own solution),
`cli`, `commands` and `process` (what a command line owes to its shell).
"""
