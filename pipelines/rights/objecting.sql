-- Purpose: know whose hits are left out of statistics, and since when.
-- Reads: requests, request_addresses. No parameters.
-- One row means an address that somebody gave with an objection, and the day of its receipt.
-- A refused objection does not count: the letter says its ground.
SELECT address, min(received_on) AS since
FROM request_addresses
JOIN requests USING (request_id)
WHERE requested_right = 'objection' AND status <> 'refused'
GROUP BY address
ORDER BY address
