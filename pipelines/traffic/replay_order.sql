-- Purpose: the order in which refused lines are read again: log by log, as they stood there.
-- Reads `refused` and `files`. No parameters.
-- One row of `waiting` means one line, without its bytes: these are too many to be sorted. `place` is where
--   they lie in `refused`, in about the same order.
CREATE OR REPLACE TEMP TABLE waiting AS
SELECT f.log_no, f.file_no, r.load_id, r.line, r.received_on, r.reason, octet_length(r.raw) AS size, r.rowid AS place
FROM refused AS r
JOIN files AS f ON f.file_no = r.file_no
ORDER BY f.log_no, r.line, r.received_on
