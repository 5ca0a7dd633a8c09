ALTER TABLE assets DROP COLUMN sealed_key;
ALTER TABLE assets DROP COLUMN key_id;
