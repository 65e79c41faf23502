//! Backoff, deadlines, circuit breakers, bulkheads and the clock
