-- Purpose: number the countries, and say on which continent each is (ISO 3166-1 codes; UN M49 regions, America in two).
-- Reads: taken. Parameters: none.
-- One row means a country as looked up, or none: its cell of the measure countries.
WITH lists(continent, codes) AS (VALUES
    ('Africa', '
        DZ AO BJ BW BF BI CV CM CF TD KM CD CG CI DJ EG GQ ER SZ ET GA GM GH GN GW KE LS LR LY MG MW ML
        MR MU YT MA MZ NA NE NG RE RW SH ST SN SC SL SO ZA SS SD TZ TG TN UG EH ZM ZW
    '),
    ('Antarctica', '
        AQ BV TF HM GS
    '),
    ('Asia', '
        AF AM AZ BH BD BT BN KH CN CY GE HK IN ID IR IQ IL JP JO KZ KP KR KW KG LA LB MO MY MV MN MM NP
        OM PK PS PH QA SA SG LK SY TW TJ TH TL TR TM AE UZ VN YE IO
    '),
    ('Europe', '
        AX AL AD AT BY BE BA BG HR CZ DK EE FO FI FR DE GI GR GG HU IS IE IM IT JE XK LV LI LT LU MT MD
        MC ME NL MK NO PL PT RO RU SM RS SK SI ES SJ SE CH UA GB VA
    '),
    ('North America', '
        AI AG AW BS BB BZ BM BQ VG CA KY CR CU CW DM DO SV GL GD GP GT HT HN JM MQ MX MS NI PA PR BL KN
        LC MF PM VC SX TT TC US VI
    '),
    ('Oceania', '
        AS AU CK FJ PF GU KI MH FM NR NC NZ NU NF MP PW PG PN WS SB TK TO TV UM VU WF CX CC
    '),
    ('South America', '
        AR BO BR CL CO EC FK GF GY PY PE SR UY VE
    ')
),
continents AS (
    SELECT continent, unnest(regexp_extract_all(codes, '[A-Z]+')) AS code
    FROM lists
)
SELECT
    row_number() OVER ()::INTEGER AS cell,
    seen.country AS looked_up,
    coalesce(seen.country, '(unknown)') AS country,
    coalesce(continents.continent, '(unknown)') AS continent
FROM (SELECT DISTINCT country FROM taken) AS seen
LEFT JOIN continents ON continents.code = seen.country
