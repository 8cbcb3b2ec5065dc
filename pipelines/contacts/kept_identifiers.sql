-- kept_identifiers: what remains in force of the identifiers in the store.
-- Parameters: none. Reads accepted, identifiers.
-- One row means one identifier. Gone are the record rows that come anew tonight, and the e-mail and phone
-- that such a record had given before. The store does not say which of several records of one source named
-- an identifier: there it stays, for one too many finds a person and one too few does not.
CREATE OR REPLACE TEMP TABLE kept_identifiers AS
WITH renewed AS (
    SELECT held.person_id, held.source, held.value, held.recorded_at, held.is_verified
    FROM identifiers AS held
    JOIN accepted AS arriving ON arriving.source = held.source AND arriving.ref = held.value
    WHERE held.kind = 'record' AND arriving.kind = 'people'
), alone AS (
    SELECT person_id, source
    FROM identifiers
    WHERE kind = 'record' AND is_verified
    GROUP BY person_id, source
    HAVING count(*) = 1
), outdated AS (
    SELECT person_id, source, recorded_at
    FROM renewed SEMI JOIN alone USING (person_id, source)
    WHERE is_verified
)
SELECT held.*
FROM identifiers AS held
WHERE
    NOT (held.kind = 'record' AND (held.source, held.value) IN (SELECT (source, value) FROM renewed))
    AND NOT (
        held.kind <> 'record'
        AND (held.person_id, held.source, held.recorded_at) IN (SELECT (person_id, source, recorded_at) FROM outdated)
    )
