-- Purpose: number the paths, so that requests carry a number and no text.
-- Reads: taken. Parameters: $asset_extensions (list of lower-case extensions).
-- One row means a path: its cell of the measure pages, what it is called at each level, and whether it is a file that
-- a page loads. Coarser: path → two first segments → first segment. Cell 0 is for visits that saw no page.
SELECT
    row_number() OVER ()::INTEGER AS cell,
    path,
    list_contains($asset_extensions, lower(regexp_extract(path, '\.([A-Za-z0-9]+)$', 1))) AS is_asset,
    nullif(regexp_extract(path, '^/[^/]+/[^/]+/'), '') || '(other)' AS subsection,
    coalesce(nullif(regexp_extract(path, '^/[^/]+/'), ''), '/') || '(other)' AS section
FROM (SELECT DISTINCT path FROM taken)
