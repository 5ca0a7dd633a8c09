ALTER TABLE grants DROP COLUMN passwords;
