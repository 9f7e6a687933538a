-- The questions that the mock shop's tools may ask. Every value is a parameter.

-- name: find_products
-- Products whose words match, best first; a match in the name counts most.
SELECT id, products.name, price_cents, products.description
FROM product_words JOIN products ON products.id = product_words.rowid
WHERE product_words MATCH :words
  AND (:most_cents IS NULL OR price_cents <= :most_cents)
ORDER BY bm25(product_words, 4.0, 2.0, 1.0)
LIMIT 5;

-- name: categories
-- What to offer when nothing matched.
SELECT DISTINCT category FROM products ORDER BY category;

-- name: check_stock
-- Units of one product, and when a sold-out one comes back.
SELECT id, name, units, restocked_on
FROM products JOIN stock ON stock.product_id = products.id
WHERE id = :product_id;

-- name: order_status
-- Where an order is. Who placed it is left out: whoever knows a number may ask.
SELECT id, status, placed_on, expected_on FROM orders WHERE id = :order_id;

-- name: order_lines
-- What was ordered.
SELECT name, quantity
FROM order_lines JOIN products ON products.id = order_lines.product_id
WHERE order_id = :order_id;
