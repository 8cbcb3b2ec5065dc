-- Purpose: some refused lines with their bytes, in the order in which they are read again.
-- Parameters: $start and $stop (rows of `waiting`, without the last), $low and $high (places in `refused`
--   between which they lie; given as numbers, so that no other place is looked at).
-- Reads `waiting`, `refused`, `files`; one row means one line.
SELECT w.log_no, w.file_no, w.source, w.line, r.raw
FROM refused AS r
JOIN (
    SELECT waiting.*, waiting.rowid AS turn, source
    FROM waiting JOIN files USING (file_no)
    WHERE waiting.rowid >= $start AND waiting.rowid < $stop
) AS w ON w.place = r.rowid
WHERE r.rowid >= $low AND r.rowid <= $high
ORDER BY w.turn
