-- Purpose: which callers are plain IPv4 addresses, and need no further look.
-- Reads `fresh` (caller); parameter: $mode, the address mode of charter.toml.
-- One row of `looked` means one distinct caller; `address` is what is hashed for a plain one (`hashed_form`).
CREATE OR REPLACE TEMP TABLE looked AS
SELECT
    caller, false AS is_refused,
    CASE $mode
        WHEN 'hash' THEN caller
        WHEN 'truncate' THEN regexp_replace(caller, '[0-9]+$', '0/24')
    END AS address,
    regexp_full_match(caller,
        '((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])') AS is_plain
FROM fresh
