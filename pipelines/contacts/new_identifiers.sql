-- new_identifiers: the identifiers as they will be.
-- Parameters: none. Reads kept_identifiers, moves, owned.
-- One row means one e-mail, phone or record reference of one person at one source. A record that other
-- records refer to but that has not come itself is there unverified, so that it is taken when it comes.
CREATE OR REPLACE TEMP TABLE new_identifiers AS
WITH stated AS (
    SELECT
        coalesce(moves.to_id, held.person_id) AS person_id, held.source, held.kind, held.value,
        held.is_verified, held.recorded_at
    FROM kept_identifiers AS held
    LEFT JOIN moves ON moves.from_id = held.person_id
    UNION ALL
    SELECT person_id, source, 'record', person_ref, kind = 'people', recorded_at
    FROM owned WHERE person_ref IS NOT NULL
    UNION ALL
    SELECT person_id, source, 'email', email, is_email_verified, recorded_at
    FROM owned WHERE email IS NOT NULL
    UNION ALL
    SELECT person_id, source, 'phone', phone, is_phone_verified, recorded_at
    FROM owned WHERE phone IS NOT NULL
)
SELECT
    person_id, source, kind, value,
    bool_or(is_verified) AS is_verified,
    arg_max(recorded_at, {'is_verified': is_verified, 'recorded_at': recorded_at}) AS recorded_at
FROM stated
GROUP BY person_id, source, kind, value
