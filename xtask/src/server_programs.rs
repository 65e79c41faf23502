//! Where this machine has the programs of the servers.

use std::{fs, path::PathBuf};

use crate::workspace;

/// A program of PostgreSQL: Debian keeps them out of the search path, in a folder for each version.
pub fn postgres(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name))))
        .filter(|(_, file)| file.is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, file)| file).or_else(|| workspace::in_path(name))
}

/// The start script of RabbitMQ. Not the wrapper in Debian's `sbin`, which insists on the system's user.
pub fn rabbitmq() -> Option<PathBuf> {
    let known = ["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/lib/rabbitmq/sbin/rabbitmq-server"];
    let known = known.into_iter().map(PathBuf::from).find(|file| file.is_file());
    known.or_else(|| workspace::in_path("rabbitmq-server"))
}
