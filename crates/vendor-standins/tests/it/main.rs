//! The stand-in vendors over HTTP, as clients meet them.

mod anthropic;
mod client;
mod control;
mod elevenlabs;
mod ledger;
mod mishaps;
mod ml;
mod openai;
mod predictions;
mod replicate;
mod retry_table;
mod settings_lines;
mod sound;
mod webhooks;
mod words;
