-- What is due in the contacts store: whole people, the contracts of customers who have written since, and records
-- whose own period is over.
-- Parameters: none; reads expired_people, expired_contracts and expired_records of contacts/clocks.py.
-- One row means: as nothing_due.sql says. Of people who are remembered for a withdrawal or an objection that is
-- younger than its period, it and the identifiers stay, and all else goes.
INSERT INTO reduced
SELECT person_id, ground, started_on FROM expired_people WHERE is_remembered;

INSERT INTO due
SELECT person_id::VARCHAR, ground, started_on, NULL
FROM expired_people
WHERE NOT is_remembered
UNION ALL
SELECT person_id::VARCHAR, category, started_on, only_in
FROM reduced
CROSS JOIN (VALUES ('contracts'), ('messages'), ('cookies')) AS tables(only_in)
UNION ALL
SELECT person_id::VARCHAR, 'customers', max(ended_on), 'contracts'
FROM expired_contracts
JOIN contracts USING (source, contract_ref, person_id)
ANTI JOIN expired_people USING (person_id)
GROUP BY person_id;

INSERT INTO due_records
SELECT table_name, source, ref, person_id::VARCHAR, category, started_on
FROM expired_records
UNION
SELECT 'consents', source, consent_ref, person_id::VARCHAR, reduced.category, reduced.started_on
FROM consents
JOIN reduced USING (person_id)
ANTI JOIN (FROM expired_records WHERE table_name = 'consents') AS expired
    ON expired.source = consents.source AND expired.ref = consents.consent_ref
WHERE action = 'given'
