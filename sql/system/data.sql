-- Key material, made once, and the currencies.

INSERT INTO boxoffice.secret_key (purpose, kid, key, created_at)
SELECT wanted.purpose, 1, boxoffice_code.secret_key_make(), pg_catalog.clock_timestamp()
  FROM (VALUES ('secret'), ('buyer')) AS wanted (purpose)
 WHERE NOT EXISTS (SELECT FROM boxoffice.secret_key AS k WHERE k.purpose = wanted.purpose);

-- ISO 4217, the currencies that are money one can be paid in.
INSERT INTO boxoffice.currency (code, exponent)
SELECT code.text, list.exponent
  FROM (VALUES
    (0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'),
    (2, 'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN'),
    (2, 'BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD'),
    (2, 'FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR'),
    (2, 'KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN'),
    (2, 'MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD'),
    (2, 'SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD'),
    (2, 'TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG'),
    (3, 'BHD IQD JOD KWD LYD OMR TND')
  ) AS list (exponent, codes)
 CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(list.codes, ' ') AS code (text)
    ON CONFLICT (code) DO NOTHING;
