DROP INDEX assets_bytes_by_owner;
DROP TABLE uploads;
