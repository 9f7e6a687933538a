-- Made by make_shop.py; change that and not this. Invented data, Apache-2.0.
CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    description TEXT NOT NULL,
    price_cents INTEGER NOT NULL
);
CREATE TABLE stock (
    product_id INTEGER PRIMARY KEY REFERENCES products (id),
    units INTEGER NOT NULL,
    restocked_on TEXT
);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    city TEXT NOT NULL
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    placed_on TEXT NOT NULL,
    status TEXT NOT NULL,
    expected_on TEXT
);
CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    product_id INTEGER NOT NULL REFERENCES products (id),
    quantity INTEGER NOT NULL,
    price_cents INTEGER NOT NULL
);
CREATE VIRTUAL TABLE product_words USING fts5 (
    name, category, description, content='products', content_rowid='id', tokenize='porter unicode61'
);

INSERT INTO products VALUES (1, 'Harbour rain jacket', 'rain jackets', 'Waterproof jacket with taped seams and a hood', 8900);
INSERT INTO products VALUES (2, 'Squall cycling jacket', 'rain jackets', 'Waterproof and reflective, cut long at the back', 11900);
INSERT INTO products VALUES (3, 'Drizzle poncho', 'rain jackets', 'Light waterproof poncho that folds into its own pocket', 2450);
INSERT INTO products VALUES (4, 'Pine children''s raincoat', 'rain jackets', 'Waterproof lined coat, for ages four to ten', 3900);
INSERT INTO products VALUES (5, 'Fell down jacket', 'warm clothing', 'Down jacket for dry cold, packs to the size of a loaf', 17900);
INSERT INTO products VALUES (6, 'Moor fleece', 'warm clothing', 'Midweight fleece made from recycled bottles', 5900);
INSERT INTO products VALUES (7, 'Merino base layer', 'warm clothing', 'Long-sleeved merino shirt, does not itch', 6400);
INSERT INTO products VALUES (8, 'Wool hat', 'warm clothing', 'Ribbed hat of undyed wool', 2200);
INSERT INTO products VALUES (9, 'Touch-screen gloves', 'warm clothing', 'Thin knitted gloves that work on a phone', 2700);
INSERT INTO products VALUES (10, 'Granite hiking boots', 'boots and shoes', 'Leather boots with a stiff sole for rough paths', 14900);
INSERT INTO products VALUES (11, 'Path walking shoes', 'boots and shoes', 'Light shoes for dry trails and towns', 9900);
INSERT INTO products VALUES (12, 'Marsh rubber boots', 'boots and shoes', 'Natural rubber, lined with neoprene', 4500);
INSERT INTO products VALUES (13, 'Hut slippers', 'boots and shoes', 'Felt slippers with a rubber sole', 2900);
INSERT INTO products VALUES (14, 'Boot wax', 'boots and shoes', 'Beeswax for leather boots, 80 g', 850);
INSERT INTO products VALUES (15, 'Ridge backpack 45 l', 'backpacks', 'Framed pack for several days, with a rain cover', 13900);
INSERT INTO products VALUES (16, 'Day backpack 20 l', 'backpacks', 'Light pack with two bottle pockets', 6900);
INSERT INTO products VALUES (17, 'City laptop backpack', 'backpacks', 'Padded sleeve for a 15 inch laptop, waterproof zip', 8400);
INSERT INTO products VALUES (18, 'Roll-top bicycle bag', 'backpacks', 'Waterproof bag that clips to a rack', 7400);
INSERT INTO products VALUES (19, 'Dry bag 10 l', 'backpacks', 'Waterproof bag for phone, papers and clothes', 1600);
INSERT INTO products VALUES (20, 'Lark tent for one', 'tents', '1.2 kg, stands on one pole', 21900);
INSERT INTO products VALUES (21, 'Heron tent for two', 'tents', '1.9 kg, two doors, room for packs', 28900);
INSERT INTO products VALUES (22, 'Barn tent for six', 'tents', 'Tall family tent with two bedrooms', 44900);
INSERT INTO products VALUES (23, 'Tent peg set', 'tents', 'Twelve aluminium pegs and a bag', 1400);
INSERT INTO products VALUES (24, 'Summer sleeping bag', 'sleeping', 'Comfortable down to 12 degrees', 7900);
INSERT INTO products VALUES (25, 'Winter sleeping bag', 'sleeping', 'Down filled, comfortable to minus 8 degrees', 19900);
INSERT INTO products VALUES (26, 'Air mattress', 'sleeping', 'Insulated mattress, 450 g, with a pump bag', 9400);
INSERT INTO products VALUES (27, 'Foam mat', 'sleeping', 'Closed-cell foam that folds flat', 1900);
INSERT INTO products VALUES (28, 'Gas stove', 'cooking', 'Folding stove for screw-on cartridges', 4900);
INSERT INTO products VALUES (29, 'Gas cartridge 230 g', 'cooking', 'Butane and propane mix', 690);
INSERT INTO products VALUES (30, 'Titanium pot 900 ml', 'cooking', 'Pot with folding handles and a lid', 5400);
INSERT INTO products VALUES (31, 'Steel bottle 1 l', 'cooking', 'Keeps tea hot for twelve hours', 2800);
INSERT INTO products VALUES (32, 'Water filter', 'cooking', 'Squeeze filter for streams and lakes', 4400);
INSERT INTO products VALUES (33, 'Enamel mug', 'cooking', 'White mug with a blue rim', 1100);
INSERT INTO products VALUES (34, 'Head torch', 'lights and navigation', '400 lumens, charged by USB-C', 3900);
INSERT INTO products VALUES (35, 'Camp lantern', 'lights and navigation', 'Warm light with a hook, runs for 60 hours', 3400);
INSERT INTO products VALUES (36, 'Compass', 'lights and navigation', 'Baseplate compass with a mirror', 3200);
INSERT INTO products VALUES (37, 'GPS watch', 'lights and navigation', 'Maps, heart rate and a battery for ten days', 24900);
INSERT INTO products VALUES (38, 'Power bank 20 Ah', 'lights and navigation', 'Charges a phone four times, USB-C', 4600);
INSERT INTO products VALUES (39, 'First-aid kit', 'first aid', 'Plasters, bandages and a rescue blanket', 2600);
INSERT INTO products VALUES (40, 'Insect repellent', 'first aid', 'Works for eight hours against mosquitoes and ticks', 950);
INSERT INTO stock VALUES (1, 12, NULL);
INSERT INTO stock VALUES (2, 16, NULL);
INSERT INTO stock VALUES (3, 30, NULL);
INSERT INTO stock VALUES (4, 12, NULL);
INSERT INTO stock VALUES (5, 14, NULL);
INSERT INTO stock VALUES (6, 17, NULL);
INSERT INTO stock VALUES (7, 1, NULL);
INSERT INTO stock VALUES (8, 14, NULL);
INSERT INTO stock VALUES (9, 19, NULL);
INSERT INTO stock VALUES (10, 25, NULL);
INSERT INTO stock VALUES (11, 0, '2026-11-30');
INSERT INTO stock VALUES (12, 0, '2026-12-10');
INSERT INTO stock VALUES (13, 21, NULL);
INSERT INTO stock VALUES (14, 0, '2026-12-13');
INSERT INTO stock VALUES (15, 32, NULL);
INSERT INTO stock VALUES (16, 20, NULL);
INSERT INTO stock VALUES (17, 18, NULL);
INSERT INTO stock VALUES (18, 0, '2026-11-24');
INSERT INTO stock VALUES (19, 15, NULL);
INSERT INTO stock VALUES (20, 0, '2026-11-27');
INSERT INTO stock VALUES (21, 3, NULL);
INSERT INTO stock VALUES (22, 0, '2026-12-03');
INSERT INTO stock VALUES (23, 11, NULL);
INSERT INTO stock VALUES (24, 27, NULL);
INSERT INTO stock VALUES (25, 14, NULL);
INSERT INTO stock VALUES (26, 19, NULL);
INSERT INTO stock VALUES (27, 13, NULL);
INSERT INTO stock VALUES (28, 20, NULL);
INSERT INTO stock VALUES (29, 12, NULL);
INSERT INTO stock VALUES (30, 5, NULL);
INSERT INTO stock VALUES (31, 33, NULL);
INSERT INTO stock VALUES (32, 33, NULL);
INSERT INTO stock VALUES (33, 27, NULL);
INSERT INTO stock VALUES (34, 22, NULL);
INSERT INTO stock VALUES (35, 6, NULL);
INSERT INTO stock VALUES (36, 3, NULL);
INSERT INTO stock VALUES (37, 5, NULL);
INSERT INTO stock VALUES (38, 0, '2026-12-09');
INSERT INTO stock VALUES (39, 10, NULL);
INSERT INTO stock VALUES (40, 27, NULL);
INSERT INTO customers VALUES (1, 'Ada Brandt', 'Hamburg');
INSERT INTO customers VALUES (2, 'Luis Ferreira', 'Porto');
INSERT INTO customers VALUES (3, 'Mei Tanaka', 'Sapporo');
INSERT INTO customers VALUES (4, 'Sara O''Neill', 'Galway');
INSERT INTO customers VALUES (5, 'Ivan Petrov', 'Varna');
INSERT INTO customers VALUES (6, 'Noor Haddad', 'Amman');
INSERT INTO customers VALUES (7, 'Eva Lind', 'Malmo');
INSERT INTO customers VALUES (8, 'Kofi Boateng', 'Accra');
INSERT INTO orders VALUES (1001, 7, '2026-11-10', 'delivered', NULL);
INSERT INTO order_lines VALUES (1001, 9, 2, 2700);
INSERT INTO orders VALUES (1002, 4, '2026-11-07', 'delivered', NULL);
INSERT INTO order_lines VALUES (1002, 26, 2, 9400);
INSERT INTO orders VALUES (1003, 3, '2026-11-13', 'cancelled', NULL);
INSERT INTO order_lines VALUES (1003, 31, 1, 2800);
INSERT INTO order_lines VALUES (1003, 10, 1, 14900);
INSERT INTO order_lines VALUES (1003, 3, 2, 2450);
INSERT INTO orders VALUES (1004, 4, '2026-11-16', 'shipped', '2026-11-22');
INSERT INTO order_lines VALUES (1004, 30, 1, 5400);
INSERT INTO orders VALUES (1005, 4, '2026-11-02', 'delivered', NULL);
INSERT INTO order_lines VALUES (1005, 11, 2, 9900);
INSERT INTO orders VALUES (1006, 8, '2026-10-28', 'delivered', NULL);
INSERT INTO order_lines VALUES (1006, 16, 2, 6900);
INSERT INTO orders VALUES (1007, 8, '2026-11-02', 'delivered', NULL);
INSERT INTO order_lines VALUES (1007, 11, 2, 9900);
INSERT INTO orders VALUES (1008, 1, '2026-11-12', 'delivered', NULL);
INSERT INTO order_lines VALUES (1008, 24, 1, 7900);
INSERT INTO orders VALUES (1009, 4, '2026-11-03', 'delivered', NULL);
INSERT INTO order_lines VALUES (1009, 20, 2, 21900);
INSERT INTO order_lines VALUES (1009, 35, 1, 3400);
INSERT INTO order_lines VALUES (1009, 7, 2, 6400);
INSERT INTO orders VALUES (1010, 2, '2026-10-28', 'delivered', NULL);
INSERT INTO order_lines VALUES (1010, 38, 1, 4600);
INSERT INTO order_lines VALUES (1010, 39, 2, 2600);
INSERT INTO order_lines VALUES (1010, 25, 1, 19900);
INSERT INTO orders VALUES (1011, 8, '2026-11-18', 'cancelled', NULL);
INSERT INTO order_lines VALUES (1011, 29, 1, 690);
INSERT INTO orders VALUES (1012, 3, '2026-10-28', 'delivered', NULL);
INSERT INTO order_lines VALUES (1012, 29, 1, 690);
INSERT INTO orders VALUES (1013, 7, '2026-11-15', 'shipped', '2026-11-21');
INSERT INTO order_lines VALUES (1013, 12, 2, 4500);
INSERT INTO order_lines VALUES (1013, 9, 1, 2700);
INSERT INTO orders VALUES (1014, 1, '2026-11-13', 'delivered', NULL);
INSERT INTO order_lines VALUES (1014, 15, 2, 13900);
INSERT INTO orders VALUES (1015, 8, '2026-11-18', 'shipped', '2026-11-24');
INSERT INTO order_lines VALUES (1015, 27, 2, 1900);
INSERT INTO order_lines VALUES (1015, 24, 1, 7900);
INSERT INTO order_lines VALUES (1015, 2, 1, 11900);
INSERT INTO orders VALUES (1016, 8, '2026-10-25', 'delivered', NULL);
INSERT INTO order_lines VALUES (1016, 26, 1, 9400);
INSERT INTO orders VALUES (1017, 8, '2026-10-31', 'delivered', NULL);
INSERT INTO order_lines VALUES (1017, 22, 2, 44900);
INSERT INTO orders VALUES (1018, 6, '2026-10-25', 'delivered', NULL);
INSERT INTO order_lines VALUES (1018, 37, 1, 24900);
INSERT INTO order_lines VALUES (1018, 28, 2, 4900);
INSERT INTO order_lines VALUES (1018, 35, 1, 3400);
INSERT INTO orders VALUES (1019, 5, '2026-10-29', 'delivered', NULL);
INSERT INTO order_lines VALUES (1019, 16, 2, 6900);
INSERT INTO order_lines VALUES (1019, 25, 1, 19900);
INSERT INTO orders VALUES (1020, 8, '2026-11-02', 'delivered', NULL);
INSERT INTO order_lines VALUES (1020, 16, 2, 6900);
INSERT INTO order_lines VALUES (1020, 24, 1, 7900);
INSERT INTO order_lines VALUES (1020, 34, 1, 3900);
INSERT INTO orders VALUES (1021, 5, '2026-10-30', 'cancelled', NULL);
INSERT INTO order_lines VALUES (1021, 10, 2, 14900);
INSERT INTO order_lines VALUES (1021, 20, 2, 21900);
INSERT INTO orders VALUES (1022, 1, '2026-10-25', 'delivered', NULL);
INSERT INTO order_lines VALUES (1022, 28, 1, 4900);
INSERT INTO orders VALUES (1023, 6, '2026-11-16', 'shipped', '2026-11-22');
INSERT INTO order_lines VALUES (1023, 36, 1, 3200);
INSERT INTO order_lines VALUES (1023, 27, 1, 1900);
INSERT INTO orders VALUES (1024, 8, '2026-11-09', 'delivered', NULL);
INSERT INTO order_lines VALUES (1024, 16, 2, 6900);
INSERT INTO order_lines VALUES (1024, 13, 1, 2900);
INSERT INTO order_lines VALUES (1024, 20, 2, 21900);
INSERT INTO product_words (product_words) VALUES ('rebuild');
