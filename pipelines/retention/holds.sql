-- The holds on record, as they may be read outside of the vault.
-- Parameters: none. Reads holds.
-- One row means: one hold; of traffic the days, of a request which, of people by how many identifiers.
SELECT
    hold_id, store,
    CASE
        WHEN store = 'traffic' THEN if(count(*) = 1, min(target), min(target) || ' to ' || max(target))
        WHEN store = 'rights' THEN min(target)
        ELSE count(*) || if(count(*) = 1, ' identifier', ' identifiers')
    END AS held,
    any_value(ground), min(starts_on), max(ends_on), any_value(placed_by)
FROM holds
GROUP BY hold_id, store
ORDER BY min(starts_on), hold_id
