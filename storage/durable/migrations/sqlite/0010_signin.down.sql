DROP TABLE used_challenges;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE wallets;
DROP TABLE accounts;
