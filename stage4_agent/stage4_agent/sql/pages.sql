-- The index over bundled pages.

-- name: create
CREATE VIRTUAL TABLE page USING fts5 (url UNINDEXED, title, text, tokenize = 'porter');

-- name: add
INSERT INTO page VALUES (:url, :title, :text);

-- name: find
-- The title counts twice.
SELECT url FROM page WHERE page MATCH :wanted ORDER BY bm25(page, 0, 2, 1) LIMIT :hits;
