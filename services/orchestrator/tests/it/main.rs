//! The orchestrator at work, by a clock that tests turn. One binary, so that it is linked once.

mod accompaniment;
mod call_off;
mod cancelled;
mod daily;
mod damaged;
mod endings;
mod harness;
mod interrupted;
mod kept;
mod outside;
mod parked;
mod queue_rules;
mod registry;
mod training;
mod vendors;
mod voices;
