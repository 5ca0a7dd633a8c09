DROP TABLE chunk_claims;
