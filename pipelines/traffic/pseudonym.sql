-- Purpose: keyed pseudonyms of visitors of one month. HMAC-SHA256 (RFC 2104) as nested sha256; the key never
-- stands in the SQL text.
-- Parameters: of two keys the inner and outer pads, as BLOB.
-- Reads `visiting` (address, agent); one row means one of its rows, in their order.
SELECT
    unhex(left(sha256($visitor_outer || unhex(sha256(
        $visitor_inner || encode(address || chr(10) || coalesce(agent, ''))))), 32)) AS visitor,
    unhex(left(sha256($address_outer || unhex(sha256($address_inner || encode(address)))), 32)) AS address
FROM visiting
