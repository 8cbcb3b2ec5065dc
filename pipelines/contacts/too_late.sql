-- too_late: tonight's records whose period was over before they came.
-- Parameters: none. Reads owned, people, contracts, expired_people, expired_contracts (of what would be stored).
-- One row means one record that is not stored: of somebody new who is expired in all respects, or a contract,
-- new too, of a former customer who is kept as a prospect. What is in the store already is the purge's
-- business: a hold may keep it.
CREATE OR REPLACE TEMP TABLE too_late AS
SELECT owned.arrival
FROM owned
SEMI JOIN expired_people USING (person_id)
ANTI JOIN people USING (person_id)
UNION
SELECT owned.arrival
FROM owned
JOIN expired_contracts ON expired_contracts.source = owned.source AND expired_contracts.contract_ref = owned.ref
WHERE owned.kind = 'contracts' AND NOT owned.is_known
