CREATE TABLE IF NOT EXISTS known_addresses (
    user_id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    address VARCHAR(45) CHARACTER SET ascii NOT NULL,
    used_at TIMESTAMP(6) NOT NULL,
    PRIMARY KEY (user_id, address),
    INDEX (used_at),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB
