-- The records of tonight behind rows that break a rule of data quality.
-- Parameters: none. Reads owned, failing_people, failing_identifiers, failing_contracts, failing_messages,
-- failing_consents, failing_cookies.
-- One row means one record to refuse. Of a failing person, the people's records go first, then what they
-- typed, then the rest: the next pass sees whether that was enough.
WITH behind AS (
    SELECT arrival
    FROM owned SEMI JOIN failing_people USING (person_id)
    QUALIFY dense_rank() OVER (
        PARTITION BY person_id ORDER BY CASE kind WHEN 'people' THEN 0 WHEN 'messages' THEN 1 ELSE 2 END
    ) = 1
    UNION ALL
    SELECT owned.arrival
    FROM owned
    JOIN failing_identifiers AS failing
        ON failing.person_id = owned.person_id AND failing.source = owned.source
    WHERE
        (failing.kind = 'record' AND owned.person_ref = failing.value)
        OR (failing.kind = 'email' AND owned.email = failing.value)
        OR (failing.kind = 'phone' AND owned.phone = failing.value)
    UNION ALL
    SELECT arrival FROM owned JOIN failing_contracts AS failing
        ON owned.kind = 'contracts' AND owned.source = failing.source AND owned.ref = failing.contract_ref
    UNION ALL
    SELECT arrival FROM owned JOIN failing_messages AS failing
        ON owned.kind = 'messages' AND owned.source = failing.source AND owned.ref = failing.message_ref
    UNION ALL
    SELECT arrival FROM owned JOIN failing_consents AS failing
        ON owned.kind = 'consents' AND owned.source = failing.source AND owned.ref = failing.consent_ref
    UNION ALL
    SELECT arrival FROM owned JOIN failing_cookies AS failing
        ON owned.kind = 'cookies' AND owned.source = failing.source AND owned.ref = failing.choice_ref
)
SELECT DISTINCT arrival FROM behind ORDER BY arrival
