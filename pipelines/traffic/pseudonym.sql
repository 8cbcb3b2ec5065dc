-- Purpose: keyed pseudonyms of the visitors of one month, each distinct one once.
-- HMAC-SHA256 (RFC 2104) as nested sha256; the key never stands in the SQL text.
-- Parameters: $month, and of two keys the inner and outer pads as BLOB.
-- Reads `callers` (month, host, agent, address); one row of `pseudonyms` means one host and agent in a month.
INSERT INTO pseudonyms
SELECT
    month, host, agent,
    CAST(left(sha256($visitor_outer || unhex(sha256(
        $visitor_inner || encode(address || chr(10) || coalesce(agent, ''))))), 32) AS UUID) AS visitor,
    CAST(left(sha256($address_outer || unhex(sha256($address_inner || encode(address)))), 32) AS UUID) AS address
FROM callers
WHERE month = $month AND address IS NOT NULL
