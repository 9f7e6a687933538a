-- Tables of one database for all tenants. Run once, by the owner, in one transaction.
--
-- An index is one tenant's corpus, cut by one chunker and embedded by one model; a rebuild fills a
-- second one beside it. Everything else hangs on an index, so a tenant's rows are those of its indexes.

CREATE SCHEMA stage3;

CREATE TABLE stage3.indexes (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    embedder text NOT NULL,
    dimensions int NOT NULL,
    chunker text NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'active')),
    chunks int NOT NULL DEFAULT 0,       -- both counted in the transaction that writes the chunks
    terms bigint NOT NULL DEFAULT 0,
    created timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, state)
);

-- What belongs to an index and is no document, such as the threshold of refusal.
CREATE TABLE stage3.settings (
    index_id int NOT NULL REFERENCES stage3.indexes ON DELETE CASCADE,
    name text NOT NULL,
    value jsonb NOT NULL,
    PRIMARY KEY (index_id, name)
);

CREATE TABLE stage3.documents (
    no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    index_id int NOT NULL REFERENCES stage3.indexes ON DELETE CASCADE,
    id text NOT NULL,
    title text NOT NULL,
    tags text[] NOT NULL,
    updated date,
    superseded_by text NOT NULL,
    origin text NOT NULL,                -- the folder or file that it was read from
    content_hash text NOT NULL,
    file_hash text NOT NULL,             -- of the file it is from, once all of that file is here
    sections jsonb NOT NULL,             -- [[headings], text]: a rebuild needs no file again
    chunks int NOT NULL,
    digest bytea,                        -- MinHash, for near-duplicates
    bands bigint[] NOT NULL,
    UNIQUE (index_id, id)
);
CREATE INDEX documents_bands ON stage3.documents USING gin (bands);

CREATE TABLE stage3.chunks (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    index_id int NOT NULL,
    document int NOT NULL REFERENCES stage3.documents ON DELETE CASCADE,
    ordinal int NOT NULL,
    path text[] NOT NULL,
    text text NOT NULL,
    context text NOT NULL,
    tokens int NOT NULL,
    parent text NOT NULL
);
CREATE INDEX chunks_document ON stage3.chunks (document);

-- Apart from the text, so that an exact search reads as few pages as it can.
CREATE TABLE stage3.vectors (
    chunk_id int PRIMARY KEY REFERENCES stage3.chunks ON DELETE CASCADE,
    index_id int NOT NULL,
    document int NOT NULL,
    embedding vector NOT NULL
);
ALTER TABLE stage3.vectors ALTER COLUMN embedding SET STORAGE MAIN;
CREATE INDEX vectors_document ON stage3.vectors (index_id, document);

-- The vectors of a chunk's tokens, packed, for late interaction.
CREATE TABLE stage3.token_vectors (
    chunk_id int PRIMARY KEY REFERENCES stage3.chunks ON DELETE CASCADE,
    index_id int NOT NULL,
    packed bytea NOT NULL
);
ALTER TABLE stage3.token_vectors ALTER COLUMN packed SET STORAGE EXTERNAL;

-- One row for each term of each chunk. No foreign key: checking it would cost as much as the row;
-- whoever deletes a chunk deletes these in the same transaction.
CREATE TABLE stage3.postings (
    index_id int NOT NULL,
    document int NOT NULL,               -- so that a filter needs no other table
    chunk_id int NOT NULL,
    tf int NOT NULL,
    length int NOT NULL,                 -- terms of the chunk, all counted
    term text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX postings_term ON stage3.postings (index_id, term, chunk_id)
    INCLUDE (document, tf, length);
CREATE INDEX postings_chunk ON stage3.postings (chunk_id);

-- In how many chunks a term stands, kept by the transactions that write them. A frequent term has
-- tens of thousands of rows above, and every question would have to count them. Room is left on the
-- pages, since the rows of frequent terms change with every document.
CREATE TABLE stage3.terms (
    index_id int NOT NULL REFERENCES stage3.indexes ON DELETE CASCADE,
    term text COLLATE "C" NOT NULL,
    chunks int NOT NULL,
    PRIMARY KEY (index_id, term)
) WITH (fillfactor = 60);

-- Words as they are written, which a misspelt one is read as; `term` is what each is searched as, and
-- goes with it. Numbered, so that a reader asks for what is new.
CREATE TABLE stage3.words (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    index_id int NOT NULL REFERENCES stage3.indexes ON DELETE CASCADE,
    word text COLLATE "C" NOT NULL,
    term text COLLATE "C" NOT NULL,
    UNIQUE (index_id, word)
);
CREATE INDEX words_new ON stage3.words (index_id, no);
CREATE INDEX words_term ON stage3.words (index_id, term);

-- A tenant is who `stage3.tenant` says, in this transaction; without it there are no rows at all.
ALTER TABLE stage3.indexes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON stage3.indexes TO stage3_tenant
    USING (tenant = current_setting('stage3.tenant', true));

DO $$
DECLARE
    one text;
    tables text[] = '{settings,documents,chunks,vectors,token_vectors,postings,terms,words}';
BEGIN
    FOREACH one IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE stage3.%I ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format(
            'CREATE POLICY own ON stage3.%I TO stage3_tenant '
            'USING (index_id = ANY (ARRAY(SELECT id FROM stage3.indexes)))', one);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA stage3 TO stage3_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA stage3 TO stage3_tenant;

CREATE TABLE stage3.version (number int NOT NULL);
INSERT INTO stage3.version VALUES (2);
GRANT SELECT ON stage3.version TO stage3_tenant;
