-- What a search asks. Every query names its index; row-level security holds whatever it names.

-- name: index
-- The index that answers, and how much is in it.
SELECT id, embedder, dimensions, chunker, chunks, terms, EXISTS (
    SELECT FROM pg_index
    WHERE indexrelid = to_regclass(format('stage3.vectors_hnsw_%%s', i.id)) AND indisvalid
) AS has_hnsw
FROM stage3.indexes AS i
WHERE state = %(state)s;

-- name: filters
-- On documents. A document without a date is in no span of dates; one tag of several is enough.
(%(documents)s::text[] IS NULL OR d.id = ANY(%(documents)s))
AND (%(tags)s::text[] IS NULL OR d.tags && %(tags)s)
AND (%(since)s::date IS NULL OR d.updated >= %(since)s)
AND (%(until)s::date IS NULL OR d.updated <= %(until)s)

-- name: filtered
-- The same on `vectors` and `postings`.
document IN (SELECT d.no FROM stage3.documents AS d WHERE d.index_id = %(index)s AND {filters})

-- name: matching
-- How many chunks the filters leave.
SELECT coalesce(sum(chunks), 0)::int
FROM stage3.documents AS d
WHERE d.index_id = %(index)s AND {filters};

-- name: dense_exact
-- Every vector compared. `+ 0` keeps the planner from an approximate index.
SELECT chunk_id, 1 - (embedding <=> %(vector)s) AS cosine
FROM stage3.vectors
WHERE index_id = %(index)s AND {filtered}
ORDER BY (embedding <=> %(vector)s) + 0, chunk_id
LIMIT %(k)s;

-- name: approximate
-- How long HNSW looks, and that it goes on when a filter leaves too little; until the end of the
-- transaction.
SELECT set_config('hnsw.ef_search', %(candidates)s::int::text, true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true);

-- name: dense_hnsw
-- Candidates from the approximate index over half-precision vectors, sorted by the full ones. The
-- index id and the dimensions are literals: only so does the planner match the partial index.
SELECT chunk_id, 1 - (embedding <=> %(vector)s) AS cosine
FROM (
    SELECT chunk_id, embedding
    FROM stage3.vectors
    WHERE index_id = {index} AND {filtered}
    ORDER BY embedding::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions})
    LIMIT %(candidates)s
) AS near
ORDER BY (embedding <=> %(vector)s) + 0, chunk_id
LIMIT %(k)s;

-- name: frequencies
-- In how many chunks each term stands.
SELECT term, chunks
FROM stage3.terms
WHERE index_id = %(index)s AND term = ANY(%(terms)s) AND chunks > 0;

-- name: words
-- Those newer than `after`, and the number of the newest.
SELECT coalesce(max(no), %(after)s::bigint), coalesce(string_agg(word, ' '), '')
FROM stage3.words
WHERE index_id = %(index)s AND no > %(after)s;

-- name: keyword
-- BM25 with Lucene's idf. `flat` and `slope` are k1 x (1 - b) and k1 x b / average length. A term's
-- weight is its idf x its count in the question x (k1 + 1). Idf and average length are those of this
-- moment, so nothing drifts. Sorted as float4, so that equal chunks rank equal whatever the order of
-- the sum.
WITH asked AS MATERIALIZED (
    SELECT t.term, a.count * (%(k1)s + 1)
        * ln(1 + (%(chunks)s - t.chunks + 0.5) / (t.chunks + 0.5::float8)) AS weight
    FROM unnest(%(terms)s::text[], %(counts)s::int[]) AS a (term, count)
    JOIN stage3.terms AS t ON t.index_id = %(index)s AND t.term = a.term COLLATE "C"
), scored AS (
    SELECT p.chunk_id, sum(a.weight * p.tf / (p.tf + %(flat)s + %(slope)s * p.length)) AS score
    FROM asked AS a
    JOIN stage3.postings AS p ON p.index_id = %(index)s AND p.term = a.term
    WHERE {filtered}
    GROUP BY p.chunk_id
)
SELECT chunk_id, score
FROM scored
ORDER BY score::float4 DESC, chunk_id
LIMIT %(k)s;

-- name: keyword_of
-- BM25 of these chunks only, weighed as above.
WITH asked AS MATERIALIZED (
    SELECT t.term, a.count * (%(k1)s + 1)
        * ln(1 + (%(chunks)s - t.chunks + 0.5) / (t.chunks + 0.5::float8)) AS weight
    FROM unnest(%(terms)s::text[], %(counts)s::int[]) AS a (term, count)
    JOIN stage3.terms AS t ON t.index_id = %(index)s AND t.term = a.term COLLATE "C"
)
SELECT p.chunk_id, sum(a.weight * p.tf / (p.tf + %(flat)s + %(slope)s * p.length)) AS score
FROM asked AS a
JOIN stage3.postings AS p ON p.index_id = %(index)s AND p.term = a.term
WHERE p.chunk_id = ANY(%(ids)s)
GROUP BY p.chunk_id;

-- name: dense_of
-- The cosine of these chunks only.
SELECT chunk_id, 1 - (embedding <=> %(vector)s) AS cosine
FROM stage3.vectors
WHERE index_id = %(index)s AND chunk_id = ANY(%(ids)s);

-- name: chunks
-- Chunks with their document's title. Ids that are gone, or another tenant's, are not there.
SELECT c.id, d.id, c.ordinal, c.path, c.text, c.context, c.tokens, c.parent, d.title, d.superseded_by
FROM stage3.chunks AS c
JOIN stage3.documents AS d ON d.no = c.document
WHERE c.index_id = %(index)s AND c.id = ANY(%(ids)s);

-- name: chunks_of
-- All chunks of one document, in reading order.
SELECT c.id, d.id, c.ordinal, c.path, c.text, c.context, c.tokens, c.parent, d.title, d.superseded_by
FROM stage3.chunks AS c
JOIN stage3.documents AS d ON d.no = c.document
WHERE d.index_id = %(index)s AND d.id = %(id)s
ORDER BY c.ordinal;

-- name: late
SELECT chunk_id, packed
FROM stage3.token_vectors
WHERE index_id = %(index)s AND chunk_id = ANY(%(ids)s);

-- name: documents
SELECT id, title, tags, updated, superseded_by, origin, content_hash, file_hash, chunks
FROM stage3.documents
WHERE index_id = %(index)s
ORDER BY id;

-- name: whole
-- A document as it was read.
SELECT id, title, sections, tags, updated, superseded_by
FROM stage3.documents
WHERE index_id = %(index)s AND id = %(id)s;

-- name: pairs
-- Documents that share a band of the MinHash with another one.
SELECT a.id, b.id, a.digest, b.digest
FROM stage3.documents AS a
JOIN stage3.documents AS b ON b.index_id = a.index_id AND b.bands && a.bands AND b.id > a.id
WHERE a.index_id = %(index)s;

-- name: alike
-- Documents that share a band of the MinHash.
SELECT id, digest
FROM stage3.documents
WHERE index_id = %(index)s AND bands && %(bands)s::bigint[];

-- name: setting
SELECT value
FROM stage3.settings
WHERE index_id = %(index)s AND name = %(name)s;

-- name: every_posting
-- For the in-memory reference: what each chunk consists of.
SELECT chunk_id, array_agg(term), array_agg(tf)
FROM stage3.postings
WHERE index_id = %(index)s
GROUP BY chunk_id
ORDER BY chunk_id;

-- name: filtered_chunks
SELECT chunk_id
FROM stage3.vectors
WHERE index_id = %(index)s AND {filtered};
