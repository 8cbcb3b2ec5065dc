-- Purpose: number the paths, so that requests carry a number and no text.
-- Reads: taken, goals (number, method, path, is_below: the charter's). Parameters: $asset_extensions (list of lower-case
--   extensions).
-- One row means a path: its cell of the measure pages, what it is called at each level, whether it is a file that a page
-- loads, and the bits of the goals that a request to it reaches. Coarser: path → two first segments → first segment.
WITH reached AS (
    SELECT
        seen.path,
        bit_or(1::BIGINT << number) FILTER (method = 'GET') AS get_goals,
        bit_or(1::BIGINT << number) FILTER (method = 'POST') AS post_goals
    FROM (SELECT DISTINCT path FROM taken) AS seen
    JOIN goals ON seen.path = goals.path OR (is_below AND starts_with(seen.path, goals.path))
    GROUP BY seen.path
)
SELECT
    row_number() OVER ()::INTEGER AS cell,
    path,
    list_contains($asset_extensions, lower(regexp_extract(path, '\.([A-Za-z0-9]+)$', 1))) AS is_asset,
    nullif(regexp_extract(path, '^/[^/]+/[^/]+/'), '') || '(other)' AS subsection,
    coalesce(nullif(regexp_extract(path, '^/[^/]+/'), ''), '/') || '(other)' AS section,
    coalesce(get_goals, 0) AS get_goals,
    coalesce(post_goals, 0) AS post_goals
FROM (SELECT DISTINCT path FROM taken)
LEFT JOIN reached USING (path)
