-- Drop all but the last :keep spans written. `id` is the row id, so this reads no more than it drops.
DELETE FROM span WHERE id <= (SELECT max(id) FROM span) - :keep;
