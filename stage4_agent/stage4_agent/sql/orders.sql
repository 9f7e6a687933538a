-- The orders that the agent has placed, one for each idempotency key.

-- name: create
CREATE TABLE IF NOT EXISTS placed (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    placed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- name: place
-- Nothing happens when the key is known.
INSERT INTO placed (key, sku, quantity) VALUES (:key, :sku, :quantity) ON CONFLICT (key) DO NOTHING;

-- name: find
SELECT number, sku, quantity FROM placed WHERE key = :key;

-- name: price
SELECT price_usd FROM products WHERE sku = :sku;
