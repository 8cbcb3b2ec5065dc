-- judged: tonight's records with what becomes of each.
-- Parameters: none. Reads arrivals, and identifiers, contracts, messages, consents, cookies, tombstones.
-- One row means one record: accepted, duplicate (known as new or newer, or a newer version arrives beside
-- it), expired (written on or before the day its person or record was erased) or rejected (by a quality rule).
CREATE OR REPLACE TEMP TABLE judged AS
WITH known AS (
    -- one row: one record in the store; a person's record that was only ever referred to is not known
    SELECT 'people' AS kind, source, value AS ref, recorded_at
    FROM identifiers WHERE kind = 'record' AND is_verified
    UNION ALL SELECT 'contracts', source, contract_ref, recorded_at FROM contracts
    UNION ALL SELECT 'messages', source, message_ref, recorded_at FROM messages
    UNION ALL SELECT 'consents', source, consent_ref, recorded_at FROM consents
    UNION ALL SELECT 'cookies', source, choice_ref, recorded_at FROM cookies
), alive AS (
    -- one row: one person's record in the store; whoever shares an e-mail with the erased is not erased
    SELECT source, value AS person_ref FROM identifiers WHERE kind = 'record'
), marks AS (
    -- one row: one fingerprint that could keep a record out
    SELECT arrival, recorded_on, unnest(own_marks) AS fingerprint FROM arrivals
    UNION ALL
    SELECT arrival, recorded_on, unnest(shared_marks) FROM arrivals ANTI JOIN alive USING (source, person_ref)
), erased AS (
    SELECT DISTINCT arrival
    FROM marks JOIN tombstones USING (fingerprint)
    WHERE marks.recorded_on <= tombstones.erased_on
), met AS (
    SELECT
        arrivals.*,
        known.ref IS NOT NULL AS is_known,
        CASE
            WHEN is_refused THEN 'rejected'
            WHEN known.recorded_at >= arrivals.recorded_at THEN 'duplicate'
            WHEN erased.arrival IS NOT NULL THEN 'expired'
        END AS settled
    FROM arrivals
    LEFT JOIN known ON known.kind = arrivals.kind AND known.source = arrivals.source AND known.ref = arrivals.ref
    LEFT JOIN erased ON erased.arrival = arrivals.arrival
)
SELECT
    * EXCLUDE (settled),
    coalesce(settled, CASE WHEN row_number() OVER newest_first = 1 THEN 'accepted' ELSE 'duplicate' END) AS verdict
FROM met
WINDOW newest_first AS (
    PARTITION BY kind, source, ref, settled IS NULL
    ORDER BY recorded_at DESC, content DESC, delivery, line
)
