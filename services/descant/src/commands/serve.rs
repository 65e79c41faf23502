//! `descant serve`: every service in this process, on SQLite and a folder.

use service_runtime::{Exit, Service};
use settings::LoadOptions;

use crate::{cli, output};

/// Runs until a signal. Not async: the runtime of the services is their own.
pub fn run(args: cli::Serve) -> Exit {
    let mut options = LoadOptions::from_process(args.config);
    if let Some(folder) = args.data_dir {
        // Settings are text. Any other name that is like it would be another folder.
        let Some(folder) = folder.to_str() else {
            output::error(format_args!("descant: --data-dir {}: choose a name that is UTF-8", folder.display()));
            return Exit::Settings;
        };
        options = options.with("data_dir", folder);
    }
    if let Some(port) = args.port {
        options = options.with("http.port", port.to_string());
    }
    let services: Vec<Box<dyn Service>> = vec![
        Box::new(validator::Validator),
        Box::new(storage::Storage::default()),
        Box::new(orchestrator::Orchestrator::default()),
        Box::new(gateway::Gateway::default()),
    ];
    service_runtime::boot("descant", options, services)
}
