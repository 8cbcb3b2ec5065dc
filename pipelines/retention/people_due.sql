-- What is due in the contacts store: whole people, and the contracts of customers who have written since.
-- Parameters: none; reads expired_people and expired_contracts of contacts/clocks.py.
-- One row means: one person whose rows go, in every table or only in the one that is named.
INSERT INTO due
SELECT person_id::VARCHAR, ground, started_on, NULL
FROM expired_people
UNION ALL
SELECT person_id::VARCHAR, 'customers', max(ended_on), 'contracts'
FROM expired_contracts
JOIN contracts USING (source, contract_ref, person_id)
ANTI JOIN expired_people USING (person_id)
GROUP BY person_id
