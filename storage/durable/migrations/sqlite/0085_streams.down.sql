DROP TABLE taken_back;
DROP TABLE streams;
