-- Who was seen under one address around one moment.
-- Parameters: $store, $address (pseudonym), $earliest, $latest (UTC).
-- Reads hits of the traffic stores that are open.
-- One row means: one visitor, a keyed pseudonym; two of them share the address.
SELECT DISTINCT visitor
FROM hits
WHERE store = $store AND address = $address AND hit_at BETWEEN $earliest AND $latest
