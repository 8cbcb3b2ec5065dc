-- What must not be destroyed, because of a hold or an open request.
-- Parameters: $day, $time_zone.
-- Reads holds, requests, request_addresses of the rights store and identifiers of the contacts store.
-- A person is held by every identifier that they had when the hold was placed ({mark}, of holds.py): whom they are
-- joined with later is held too.
-- One row means: one traffic store, person or request, with one ground; ends_on is null until it is lifted or answered.
CREATE OR REPLACE TEMP TABLE held AS
WITH in_force AS (
    FROM holds WHERE starts_on <= $day AND (ends_on IS NULL OR ends_on >= $day)
), waiting AS (
    FROM requests WHERE answered_on IS NULL
)
SELECT 'traffic/' || target AS store, NULL::VARCHAR AS subject, ground, ends_on
FROM in_force
WHERE store = 'traffic'
UNION
SELECT 'rights', target, ground, ends_on
FROM in_force
WHERE store = 'rights'
UNION
SELECT 'contacts', person_id::VARCHAR, ground, ends_on
FROM in_force
JOIN identifiers ON in_force.target = {mark}
WHERE in_force.store = 'contacts'
UNION
SELECT 'rights', request_id, 'open request', NULL
FROM waiting
UNION
SELECT 'contacts', identifiers.person_id::VARCHAR, 'open request', NULL
FROM waiting
JOIN identifiers ON
    (identifiers.kind = 'email' AND identifiers.value = waiting.email)
    OR (identifiers.kind = 'phone' AND identifiers.value = waiting.phone)
UNION
SELECT
    'traffic/' || strftime(timezone($time_zone, timezone('UTC', seen_at + around))::DATE, '%Y-%m-%d'),
    NULL, 'open request', NULL
FROM request_addresses
JOIN waiting USING (request_id)
CROSS JOIN (VALUES (to_minutes(-30)), (to_minutes(30))) AS moments(around)
