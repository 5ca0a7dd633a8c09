ALTER TABLE assets DROP COLUMN owner;
DROP TABLE api_keys;
