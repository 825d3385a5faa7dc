CREATE TABLE IF NOT EXISTS standings (
    user_id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    disabled_at TIMESTAMP(6) NULL,
    last_login_at TIMESTAMP(6) NULL,
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB
