-- What identifies the people who are due, and each of their records, to fingerprint before they go.
-- Parameters: none; `due` is staged, the views are those of the contacts store.
-- One row means: one identifier or record; `source` is empty for an e-mail or phone, which no source owns.
WITH touched AS (
    SELECT subject::UUID AS person_id, only_in FROM due
), gone AS (
    SELECT person_id FROM touched WHERE only_in IS NULL
)
SELECT DISTINCT kind, CASE kind WHEN 'record' THEN source ELSE '' END AS source, value AS reference
FROM identifiers SEMI JOIN gone USING (person_id)
UNION ALL
SELECT 'contracts', source, contract_ref FROM contracts SEMI JOIN touched USING (person_id)
UNION ALL
SELECT 'messages', source, message_ref FROM messages SEMI JOIN gone USING (person_id)
UNION ALL
SELECT 'consents', source, consent_ref FROM consents SEMI JOIN gone USING (person_id)
UNION ALL
SELECT 'cookies', source, choice_ref FROM cookies SEMI JOIN gone USING (person_id)
