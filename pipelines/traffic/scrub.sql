-- Purpose: which paths are made of plain words, and need no further look.
-- Reads `fresh` (raw_path); one row of `looked` means one distinct path without its query.
-- A plain segment has up to 15 characters, letters with at most one run of up to 4 digits: too short for
-- a token, too few digits for a number, no "@", ":", "%" or ";".
CREATE OR REPLACE TEMP TABLE looked AS
SELECT
    raw_path,
    length(raw_path) <= 400 AND regexp_full_match(raw_path,
        '(/([A-Za-z_.-]{0,15}|[A-Za-z_.-]{0,5}[0-9]{1,4}[A-Za-z_.-]{0,6}))+') AS is_plain
FROM fresh
