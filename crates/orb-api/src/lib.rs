//! Words that programs and people read: outcomes, states, summaries.
