-- Purpose: where visits come from, by the first request of each.
-- Reads: requests. Parameters: $own_domains, $search_engines, $social_networks (lists of names).
-- One row means a medium, referring domain and campaign that visits came by on a day.
-- Coarser: without the campaign → the medium alone.
WITH arrivals AS (
    SELECT
        day,
        contributor,
        visitor,
        CASE WHEN NOT list_contains($own_domains, referrer_domain) THEN referrer_domain END AS outside_domain,
        campaign_medium,
        coalesce(campaign_name, campaign_source) AS campaign_label
    FROM requests
    WHERE NOT is_bot AND starts_visit
)
SELECT
    day,
    CASE
        WHEN campaign_medium IS NOT NULL THEN campaign_medium
        WHEN campaign_label IS NOT NULL THEN 'campaign'
        WHEN outside_domain IS NULL THEN 'direct'
        WHEN list_contains($search_engines, split_part(outside_domain, '.', 1)) THEN 'search'
        WHEN list_contains($social_networks, outside_domain) THEN 'social'
        ELSE 'referral'
    END AS medium,
    coalesce(outside_domain, '(none)') AS referrer_domain,
    coalesce(campaign_label, '(none)') AS campaign,
    count(*) AS visits,
    list(DISTINCT contributor) AS contributors,
    list(DISTINCT visitor) FILTER (visitor IS NOT NULL) AS people
FROM arrivals
GROUP BY ALL
