//! The whole `main` of a service.

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use settings::{LoadOptions, Settings};
use telemetry::{LogFormat, LogSettings, error_chain};

use crate::{Service, console, crypto::install_crypto, exit::Exit, run::run_all};

/// For what still runs on other threads after the end, such as a run of the engine.
const THREADS_END: Duration = Duration::from_millis(200);

/// Runs one service as this process: `fn main() -> ExitCode { service_runtime::main(Validator) }`.
pub fn main(service: impl Service) -> ExitCode {
    let name = service.name();
    let file = match file_argument(name, std::env::args_os().skip(1)) {
        Ok(file) => file,
        Err(exit) => return exit.into(),
    };
    boot(name, LoadOptions::from_process(file), vec![Box::new(service)]).into()
}

/// Loads settings, sets up logs and runs services until a signal. For processes with a command line of their own.
pub fn boot(process: &'static str, options: LoadOptions, services: Vec<Box<dyn Service>>) -> Exit {
    install_crypto();
    let settings = match Settings::load(&options) {
        Ok(settings) => settings,
        Err(problems) => {
            console::error(format_args!("{process}: {problems}"));
            return Exit::Settings;
        }
    };
    let logs = LogSettings {
        level: settings.log.level.clone(),
        format: match settings.log.format {
            settings::LogFormat::Json => LogFormat::Json,
            settings::LogFormat::Pretty => LogFormat::Pretty,
        },
        service: process.to_owned(),
    };
    if let Err(why) = telemetry::init(&logs) {
        console::error(format_args!("{process}: {}", error_chain(&why)));
        return Exit::Settings;
    }
    telemetry::log_panics();
    for notice in &settings.notices {
        tracing::info!(notice, "about the settings");
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), mode = settings.mode.as_str(), "starting");
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(why) => {
            tracing::error!(error = %why, "no threads could be started");
            return Exit::Crashed;
        }
    };
    let exit = runtime.block_on(run_all(process, settings, services));
    runtime.shutdown_timeout(THREADS_END);
    exit
}

/// `--config FILE`, and nothing else: everything else is a setting.
fn file_argument(name: &str, arguments: impl Iterator<Item = OsString>) -> Result<Option<PathBuf>, Exit> {
    let usage = format!(
        "usage: {name} [--config FILE]\n\nEvery setting can also be an environment variable; docs/settings.md lists them."
    );
    let mut arguments = arguments;
    let mut file = None;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--config") => match arguments.next() {
                Some(path) => file = Some(PathBuf::from(path)),
                None => {
                    console::error(format_args!("--config needs a file\n{usage}"));
                    return Err(Exit::Settings);
                }
            },
            Some("--help" | "-h") => {
                console::line(&usage);
                return Err(Exit::Stopped);
            }
            Some("--version" | "-V") => {
                console::line(format_args!("{name} {}", env!("CARGO_PKG_VERSION")));
                return Err(Exit::Stopped);
            }
            _ => {
                console::error(format_args!("{} is not understood\n{usage}", argument.display()));
                return Err(Exit::Settings);
            }
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<PathBuf>, Exit> {
        file_argument("validator", arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_command_line_names_a_file_or_is_refused() {
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&["--config", "a.toml"]), Ok(Some(PathBuf::from("a.toml"))));
        assert_eq!(parse(&["--config"]), Err(Exit::Settings));
        assert_eq!(parse(&["--confg", "a.toml"]), Err(Exit::Settings));
        assert_eq!(parse(&["--help"]), Err(Exit::Stopped));
    }
}
