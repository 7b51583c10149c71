DROP TABLE secrets;
DROP TABLE revocations;
DROP TABLE logins;
DROP TABLE users;
