-- The id of the event at `position`: by it the projection notices that the feed's store has lost what it was built from. A
-- row of an earlier version has none, which no event has either, so that such a read model is built anew once.

ALTER TABLE projection ADD COLUMN last_event_id TEXT NOT NULL DEFAULT '';
