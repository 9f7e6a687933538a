-- What ingestion writes. A document is one transaction; writers of one index take turns.

-- name: create_index
INSERT INTO stage3.indexes (tenant, embedder, dimensions, chunker, state)
VALUES (%(tenant)s, %(embedder)s, %(dimensions)s, %(chunker)s, %(state)s)
ON CONFLICT (tenant, state) DO NOTHING;

-- name: lock_index
-- Held until the transaction ends, so that two writers of one document never meet.
SELECT id FROM stage3.indexes WHERE id = %(index)s FOR UPDATE;

-- name: count
UPDATE stage3.indexes
SET chunks = chunks + %(chunks)s, terms = terms + %(terms)s
WHERE id = %(index)s;

-- name: old_chunks
-- Chunks of what is there under these ids; a document without any has one row without an id.
SELECT c.id
FROM stage3.documents AS d
LEFT JOIN stage3.chunks AS c ON c.document = d.no
WHERE d.index_id = %(index)s AND d.id = ANY(%(ids)s);

-- name: remove_postings
-- Says how many terms they counted. A term that no chunk has any more is forgotten: nothing of a
-- deleted document stays.
WITH gone AS (
    DELETE FROM stage3.postings WHERE chunk_id = ANY(%(ids)s) RETURNING term, tf
), lost AS (
    SELECT term, count(*) AS chunks FROM gone GROUP BY term
), fewer AS (
    UPDATE stage3.terms AS t
    SET chunks = t.chunks - l.chunks
    FROM lost AS l
    WHERE t.index_id = %(index)s AND t.term = l.term AND t.chunks > l.chunks
), none AS (
    DELETE FROM stage3.terms AS t
    USING lost AS l
    WHERE t.index_id = %(index)s AND t.term = l.term AND t.chunks <= l.chunks
    RETURNING t.term
), unspoken AS (
    DELETE FROM stage3.words AS w
    USING none
    WHERE w.index_id = %(index)s AND w.term = none.term
)
SELECT coalesce(sum(tf), 0)::bigint FROM gone;

-- name: remove_documents
-- With their chunks, vectors and token vectors. Says how many.
WITH gone AS (
    DELETE FROM stage3.documents WHERE index_id = %(index)s AND id = ANY(%(ids)s) RETURNING no
)
SELECT count(*)::int FROM gone;

-- name: add_document
INSERT INTO stage3.documents
    (index_id, id, title, tags, updated, superseded_by, origin, content_hash, file_hash, sections,
     chunks, digest, bands)
VALUES
    (%(index)s, %(id)s, %(title)s, %(tags)s, %(updated)s, %(superseded_by)s, %(origin)s,
     %(content_hash)s, %(file_hash)s, %(sections)s::text::jsonb, %(chunks)s, %(digest)s, %(bands)s)
RETURNING no;

-- name: seal
UPDATE stage3.documents
SET origin = %(origin)s, file_hash = %(file_hash)s
WHERE index_id = %(index)s AND id = ANY(%(ids)s);

-- name: add_chunks
-- Paths come joined by a character that no heading holds, since arrays of arrays must be even.
INSERT INTO stage3.chunks (index_id, document, ordinal, path, text, context, tokens, parent)
SELECT %(index)s, %(document)s, ordinal, string_to_array(path, E'\x1f'), text, context, tokens, parent
FROM unnest(%(ordinals)s::int[], %(paths)s::text[], %(texts)s::text[], %(contexts)s::text[],
            %(tokens)s::int[], %(parents)s::text[])
    WITH ORDINALITY AS c (ordinal, path, text, context, tokens, parent, place)
ORDER BY place
RETURNING id;  -- in that order

-- name: add_vectors
-- `b`: as bytes, since vectors written as text cost more than all other rows together.
INSERT INTO stage3.vectors (chunk_id, index_id, document, embedding)
SELECT id, %(index)s, %(document)s, embedding
FROM unnest(%(ids)s::int[], %(vectors)b::vector[]) AS v (id, embedding);

-- name: add_token_vectors
INSERT INTO stage3.token_vectors (chunk_id, index_id, packed)
SELECT id, %(index)s, packed
FROM unnest(%(ids)s::int[], %(packed)b::bytea[]) AS v (id, packed);

-- name: add_postings
-- A chunk brings its terms in one text and their counts in another, '{1,3,1}': two values a chunk
-- are sent faster than two a term.
WITH added AS (
    INSERT INTO stage3.postings (index_id, document, term, chunk_id, tf, length)
    SELECT %(index)s, %(document)s, t.term, c.id, t.tf, c.length
    FROM unnest(%(ids)s::int[], %(lengths)s::int[], %(terms)s::text[], %(tfs)s::text[])
            AS c (id, length, terms, tfs),
        unnest(string_to_array(c.terms, E'\x1f'), c.tfs::int[]) AS t (term, tf)
    RETURNING term
)
INSERT INTO stage3.terms AS t (index_id, term, chunks)
SELECT %(index)s, term, count(*) FROM added GROUP BY term
ON CONFLICT (index_id, term) DO UPDATE SET chunks = t.chunks + excluded.chunks;

-- name: add_words
-- Those that the index does not have yet. Writers take turns, so nobody adds them meanwhile.
INSERT INTO stage3.words (index_id, word, term)
SELECT %(index)s, new.word, new.term
FROM unnest(%(words)s::text[], %(terms)s::text[]) AS new (word, term)
WHERE NOT EXISTS (
    SELECT FROM stage3.words AS w
    WHERE w.index_id = %(index)s AND w.word = new.word COLLATE "C"
);

-- name: set_setting
INSERT INTO stage3.settings (index_id, name, value)
VALUES (%(index)s, %(name)s, %(value)s)
ON CONFLICT (index_id, name) DO UPDATE SET value = excluded.value;

-- name: drop_postings
DELETE FROM stage3.postings
WHERE index_id IN (SELECT id FROM stage3.indexes WHERE state = %(state)s);

-- name: drop_index
DELETE FROM stage3.indexes WHERE state = %(state)s;

-- name: activate
UPDATE stage3.indexes SET state = 'active' WHERE state = 'building';
