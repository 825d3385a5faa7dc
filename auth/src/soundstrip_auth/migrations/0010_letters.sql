CREATE TABLE IF NOT EXISTS letters (
    purpose ENUM('reset', 'registration', 'invitation') NOT NULL,
    email VARCHAR(254) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    attempts INT UNSIGNED NOT NULL DEFAULT 0,
    next_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    done_at TIMESTAMP(6) NULL,
    PRIMARY KEY (purpose, email),
    INDEX (done_at, next_at)
) ENGINE=InnoDB
