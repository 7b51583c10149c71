DROP TABLE plays;
