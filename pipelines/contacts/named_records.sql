-- Every person's record that arrives tonight or is referred to by one that does.
-- Parameters: none. Reads accepted, identifiers.
-- One row means one record: person_id is null where the store does not know it yet.
SELECT DISTINCT arriving.source, arriving.person_ref, known.person_id
FROM accepted AS arriving
LEFT JOIN identifiers AS known
    ON known.kind = 'record' AND known.source = arriving.source AND known.value = arriving.person_ref
WHERE arriving.person_ref IS NOT NULL
