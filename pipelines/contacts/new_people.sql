-- new_people: the people as they will be.
-- Parameters: none. Reads people, identifiers, moves, owned, new_identifiers.
-- One row means one person. Name and address come from their newest record that has one, else from what they
-- typed; where a person has one record alone, its newest version counts even where it is empty.
CREATE OR REPLACE TEMP TABLE new_people AS
WITH single AS (
    -- one row: one person of whom all there is comes anew tonight
    SELECT person_id
    FROM new_identifiers
    WHERE kind = 'record' AND is_verified
    GROUP BY person_id
    HAVING count(*) = 1
), replaced AS (
    SELECT DISTINCT person_id FROM owned SEMI JOIN single USING (person_id) WHERE kind = 'people'
), stamps AS (
    SELECT
        person_id,
        bool_or(kind = 'record' AND is_verified) AS is_record,
        coalesce(max(recorded_at) FILTER (kind = 'record' AND is_verified), max(recorded_at)) AS recorded_at
    FROM identifiers
    GROUP BY person_id
), stored AS (
    SELECT
        coalesce(moves.to_id, people.person_id) AS person_id, people.name, people.postal_address,
        coalesce(stamps.is_record, false) AS is_record,
        coalesce(stamps.recorded_at, people.first_seen_at) AS recorded_at,
        people.first_seen_at, people.last_contact_at, people.last_written_at
    FROM people
    LEFT JOIN moves ON moves.from_id = people.person_id
    LEFT JOIN stamps ON stamps.person_id = people.person_id
), described AS (
    -- one row: one statement of who a person is, with its rank
    SELECT
        person_id, first_seen_at, last_contact_at AS contact_at, last_written_at AS written_at,
        CASE WHEN person_id NOT IN (SELECT person_id FROM replaced) THEN name END AS name,
        CASE WHEN person_id NOT IN (SELECT person_id FROM replaced) THEN postal_address END AS postal_address,
        {'is_record': is_record, 'recorded_at': recorded_at, 'source': '', 'ref': ''} AS rank
    FROM stored
    UNION ALL
    SELECT
        person_id, recorded_at,
        CASE
            WHEN kind = 'messages' OR (kind = 'consents' AND action = 'given') THEN recorded_at
            WHEN kind = 'people' AND NOT is_known THEN recorded_at
            WHEN kind = 'contracts' THEN least(started_on::TIMESTAMP, recorded_at)
        END,
        CASE WHEN kind = 'messages' OR (kind = 'consents' AND action = 'given') THEN recorded_at END,
        name, postal_address,
        {'is_record': kind = 'people', 'recorded_at': recorded_at, 'source': source, 'ref': ref}
    FROM owned
)
SELECT
    person_id,
    arg_max(name, rank) FILTER (name IS NOT NULL) AS name,
    arg_max(postal_address, rank) FILTER (postal_address IS NOT NULL) AS postal_address,
    min(first_seen_at) AS first_seen_at,
    greatest(max(contact_at), min(first_seen_at)) AS last_contact_at,
    max(written_at) AS last_written_at
FROM described
GROUP BY person_id
