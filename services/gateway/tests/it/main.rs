//! The gateway in this process, over real sockets: what comes over the wire, byte by byte where a client's library would
//! hide it. SQLite, a folder and an in-process bus; a stand-in judges recordings.

mod blends;
mod compositions;
mod cross_origin;
mod downloads;
mod events;
mod forms;
mod harness;
mod hooks;
mod jobs;
mod limits;
mod links;
mod methods;
mod models;
mod openapi;
mod providers;
mod retries;
mod spending;
mod submissions;
mod trainings;
mod wire;
