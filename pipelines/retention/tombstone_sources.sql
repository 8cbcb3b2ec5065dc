-- What identifies the people and records that are due, to fingerprint before they go.
-- Parameters: none; `due` and `due_records` are staged, the views are those of the contacts store.
-- One row means: one identifier or record; `source` is empty for an e-mail or phone, which no source owns.
WITH gone AS (
    SELECT subject::UUID AS person_id FROM due WHERE only_in IS NULL
), gone_from AS (
    SELECT subject::UUID AS person_id, only_in FROM due
)
SELECT DISTINCT kind, CASE kind WHEN 'record' THEN source ELSE '' END AS source, value AS reference
FROM identifiers SEMI JOIN gone USING (person_id)
UNION ALL
SELECT 'contracts', source, contract_ref FROM contracts
WHERE person_id IN (SELECT person_id FROM gone_from WHERE ifnull(only_in, 'contracts') = 'contracts')
UNION ALL
SELECT 'messages', source, message_ref FROM messages
WHERE person_id IN (SELECT person_id FROM gone_from WHERE ifnull(only_in, 'messages') = 'messages')
UNION ALL
SELECT 'cookies', source, choice_ref FROM cookies
WHERE person_id IN (SELECT person_id FROM gone_from WHERE ifnull(only_in, 'cookies') = 'cookies')
UNION ALL
SELECT 'consents', source, consent_ref FROM consents SEMI JOIN gone USING (person_id)
UNION ALL
SELECT table_name, source, ref FROM due_records
