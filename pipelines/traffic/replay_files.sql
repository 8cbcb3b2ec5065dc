-- Purpose: the loads that have rejects, and what tells which of their lines may be read again.
-- Parameters: $sources (web servers that are held for this run).
-- Reads `deliveries` and `rejects` of all days.
-- One row of `files` means one load. `log_no`: the loads of one log, which began with the same line, have
--   the same. `unended`: its last line where that had no end yet and was refused; it may have come again,
--   whole, with a later delivery.
CREATE OR REPLACE TEMP TABLE files AS
SELECT
    CAST(row_number() OVER (ORDER BY load_id) - 1 AS INTEGER) AS file_no,
    load_id, source, received_on,
    dense_rank() OVER (ORDER BY source, head) AS log_no,
    CASE WHEN is_whole AND tail_digest IS NULL AND content_bytes > complete_bytes THEN last_line END AS unended
FROM deliveries
JOIN (SELECT load_id, max(line) AS last_line FROM rejects GROUP BY load_id) USING (load_id)
WHERE list_contains($sources, source)
