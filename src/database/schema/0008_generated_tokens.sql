-- Tokens that `serve` generated for its tokens file, which withdraws those that are not in it. Nothing
-- else has written a token before.
ALTER TABLE token ADD COLUMN is_generated INTEGER NOT NULL DEFAULT 0;
UPDATE token SET is_generated = 1;
