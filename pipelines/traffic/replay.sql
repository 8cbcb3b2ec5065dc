-- Purpose: the refused lines that are read again, as they lie in the vault.
-- Parameters: $reason (of the lines to read; null: of any).
-- Reads `rejects` of all days, `files`, and `fates` (those of which the fate is known already).
-- One row of `refused` means one line. A line over the cap was cut when it was refused: nothing can be made
--   of it. Header lines (`directive`) are always among them, for they say how the others are read.
CREATE OR REPLACE TEMP TABLE refused AS
SELECT f.file_no, r.load_id, r.line, r.received_on, r.reason, r.raw
FROM rejects AS r
JOIN files AS f ON f.load_id = r.load_id AND r.line IS DISTINCT FROM f.unended
ANTI JOIN fates AS k ON k.load_id = r.load_id AND k.line = r.line
WHERE r.reason <> 'line_too_long' AND ($reason IS NULL OR r.reason IN ($reason, 'directive'))
