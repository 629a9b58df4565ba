SET LOCAL idtrail.migrating = 'on';

-- A body of some kilobytes stays in its row, up to a page: put aside (TOAST), each would take two rows more, and two
-- entries of an index. Bodies from before stay where they are.
ALTER TABLE bodies SET (toast_tuple_target = 8160);
