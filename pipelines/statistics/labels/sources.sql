-- Purpose: number the ways that requests came by.
-- Reads: taken. Parameters: $own_domains, $search_engines, $social_networks (lists of names).
-- One row means a combination of referring domain and campaign as logged, and the cell of the measure sources that it
-- belongs to: several may share one. `origin` says where the link stands: 0 is not logged, 1 the own site, 2 elsewhere.
WITH logged AS (
    SELECT DISTINCT referrer_domain AS logged_domain, campaign_source, campaign_medium, campaign_name
    FROM taken
),
outside AS (
    SELECT
        *,
        CASE WHEN NOT list_contains($own_domains, logged_domain) THEN logged_domain END AS outside_domain,
        CASE
            WHEN logged_domain IS NULL THEN 0
            WHEN list_contains($own_domains, logged_domain) THEN 1
            ELSE 2
        END::TINYINT AS origin,
        coalesce(campaign_name, campaign_source) AS campaign_label
    FROM logged
),
named AS (
    SELECT
        logged_domain, campaign_source, campaign_medium, campaign_name, origin,
        CASE
            WHEN campaign_medium IS NOT NULL THEN campaign_medium
            WHEN campaign_label IS NOT NULL THEN 'campaign'
            WHEN outside_domain IS NULL THEN 'direct'
            WHEN list_contains($search_engines, split_part(outside_domain, '.', 1)) THEN 'search'
            WHEN list_contains($social_networks, outside_domain) THEN 'social'
            ELSE 'referral'
        END AS medium,
        coalesce(outside_domain, '(none)') AS referrer_domain,
        coalesce(campaign_label, '(none)') AS campaign
    FROM outside
)
SELECT dense_rank() OVER (ORDER BY medium, referrer_domain, campaign)::INTEGER AS cell, *
FROM named
