CREATE TABLE IF NOT EXISTS vouchers (
    hash BINARY(32) NOT NULL PRIMARY KEY,
    purpose ENUM('reset', 'registration', 'invitation') NOT NULL,
    subject VARCHAR(254) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    expires_at TIMESTAMP(6) NOT NULL,
    INDEX (purpose, subject),
    INDEX (expires_at)
) ENGINE=InnoDB
