-- The shop's database as the agent sees it. The comments are part of what `sql_schema` returns.
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    country TEXT NOT NULL, -- country's English name
    city TEXT NOT NULL,
    segment TEXT NOT NULL, -- kind of customer
    signed_up TEXT NOT NULL -- date of registration, YYYY-MM-DD
) STRICT;

CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    price_usd REAL NOT NULL, -- list price of one piece, without tax
    weight_kg REAL NOT NULL,
    stock INTEGER NOT NULL -- pieces in the warehouse
) STRICT;

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    ordered_on TEXT NOT NULL, -- date, YYYY-MM-DD
    status TEXT NOT NULL,
    total_usd REAL NOT NULL -- sum of its items, without tax and shipping
) STRICT;

CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL, -- pieces
    unit_price_usd REAL NOT NULL, -- price of one piece when it was ordered
    PRIMARY KEY (order_id, product_id)
) STRICT;

CREATE TABLE model_prices (
    model TEXT PRIMARY KEY,
    input_usd_per_million REAL NOT NULL, -- US dollars for a million input tokens
    output_usd_per_million REAL NOT NULL
) STRICT;

CREATE TABLE model_calls (
    id INTEGER PRIMARY KEY,
    called_on TEXT NOT NULL, -- date, YYYY-MM-DD
    model TEXT NOT NULL REFERENCES model_prices (model),
    feature TEXT NOT NULL, -- part of the shop that made the call
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    failed INTEGER NOT NULL -- 1 when the call failed
) STRICT;
