"""Stage 3: answers over a corpus, with citations that are checked, and refusal.

Read in this order: `contract` (the types), `reading` and `readers/`, `chunking`, `ingest` (a folder
into the store), `store` (PostgreSQL: tenants, vectors, BM25), `lexical`, `retrieve`, `fusion`,
`late`, `refusal` (what is found, and whether it is about that), `context`, `answer`, `citations`
(what is said, and whether it stands), `golden`, `evaluation`, `score`, `ablate`; `pipe` and
`examine` examine another solution. `library` is the retriever without a database.
"""
