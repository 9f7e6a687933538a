"""Stage 5: an eval harness whose gate turns red.

Five nouns: cases, targets, graders, runs, comparisons.

Read in this order: `cases`, `answers` and `targets` (what is asked, what comes back), `graders`,
`rules`, `retrieval` and `trajectory` (what it is worth), `runs` and `running` (a folder a run),
`summary` (numbers with bounds), `compare`, `baseline` and `gate` (better, worse, or not proven),
`power` (what this set could have seen), `prove` (planted regressions), `score`, `cli`.
"""
