//! Tests of progress on rows as the journal would hold them.
