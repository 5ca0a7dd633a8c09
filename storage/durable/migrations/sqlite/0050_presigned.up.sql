-- The name that an S3 gave to the multipart upload whose parts a client sends there itself.
ALTER TABLE uploads ADD COLUMN multipart TEXT;
