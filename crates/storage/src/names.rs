//! The names of our log events.

/// WARN: a checkpoint could not run now; the log of the database keeps growing until one can.
pub(crate) const CHECKPOINT_POSTPONED: &str = "store_checkpoint_postponed";

/// WARN: the thread that moves the log beside the writer cannot be started; the writer does it, and is held up by it.
pub(crate) const CHECKPOINTER_MISSING: &str = "store_checkpointer_missing";

/// WARN: the idle work of a writer failed; it is tried again in the next quiet period.
pub(crate) const IDLE_WORK_FAILED: &str = "store_idle_work_failed";
