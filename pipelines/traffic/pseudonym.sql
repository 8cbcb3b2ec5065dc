-- Purpose: keyed pseudonyms of the visitors of one month, each distinct one once.
-- HMAC-SHA256 (RFC 2104) as nested sha256; the key never stands in the SQL text.
-- Parameters: $month_no (year × 12 + month), and of two keys the inner and outer pads as BLOB.
-- Reads `visiting`, `callers`, `agents`; one row of `pseudonyms` means one address and agent in a month.
--   `place` is the beginning of the address as a number: it has the same order.
INSERT INTO pseudonyms
WITH hashed AS (
    SELECT caller_no, address,
        left(sha256($address_outer || unhex(sha256($address_inner || encode(address)))), 32) AS pseudonym
    FROM callers
    WHERE address IS NOT NULL
        AND caller_no IN (SELECT caller_no FROM visiting WHERE month_no = $month_no)
)
SELECT
    v.month_no, v.caller_no, v.agent_no,
    CAST(left(sha256($visitor_outer || unhex(sha256(
        $visitor_inner || encode(c.address || chr(10) || coalesce(a.agent, ''))))), 32) AS UUID) AS visitor,
    CAST(c.pseudonym AS UUID) AS address,
    CAST('0x' || left(c.pseudonym, 16) AS UBIGINT) AS place
FROM visiting AS v
JOIN hashed AS c USING (caller_no)
LEFT JOIN agents AS a USING (agent_no)
WHERE v.month_no = $month_no
