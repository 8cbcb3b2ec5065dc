-- too_late: tonight's records whose period was over before they came.
-- Parameters: none. Reads owned, people, expired_people, expired_contracts, expired_records (of what would be stored).
-- One row means one record that is not stored: of somebody new who is expired in all respects, but for a withdrawal
-- or objection that is to be remembered; a contract, new too, of a former customer who is kept as a prospect; or
-- one whose own period is over. What is in the store already is the purge's business: a hold may keep it.
CREATE OR REPLACE TEMP TABLE too_late AS
SELECT owned.arrival
FROM owned
JOIN expired_people USING (person_id)
ANTI JOIN people USING (person_id)
WHERE NOT (
    is_remembered AND (owned.kind = 'people' OR (owned.kind = 'consents' AND owned.action <> 'given'))
)
UNION
SELECT owned.arrival
FROM owned
JOIN expired_contracts ON expired_contracts.source = owned.source AND expired_contracts.contract_ref = owned.ref
WHERE owned.kind = 'contracts' AND NOT owned.is_known
UNION
SELECT owned.arrival
FROM owned
JOIN expired_records
    ON expired_records.table_name = owned.kind AND expired_records.source = owned.source
    AND expired_records.ref = owned.ref
WHERE NOT owned.is_known
