-- Rows of the open traffic stores, per store and table.
-- Parameters: none; the views are those of the stores that are due.
-- One row means: one table of one traffic day.
SELECT store, 'hits' AS table_name, count(*) AS row_count FROM hits GROUP BY store
UNION ALL
SELECT store, 'rejects', count(*) FROM rejects GROUP BY store
UNION ALL
SELECT store, 'loads', count(*) FROM loads GROUP BY store
UNION ALL
SELECT store, 'deliveries', count(*) FROM deliveries GROUP BY store
ORDER BY store, table_name
