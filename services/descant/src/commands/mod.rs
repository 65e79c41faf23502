//! What each command does.

mod bars;
mod blend;
mod client;
mod compose;
mod midi;
mod models;
mod render;
mod sample;
mod serve;
mod sing;
mod songs;
mod token;

use std::time::Duration;

pub use serve::run as serve;

use crate::{cli::Command, exit::Exit};

/// Longest that vendors are told of work that nobody waits for any more.
const LONGEST_GOODBYE: Duration = Duration::from_secs(10);

/// Runs a command. One that may have somebody outside work for it is ended by Ctrl-C in good order: their work is called off, and
/// no longer paid for.
pub async fn run(command: Command, json: bool) -> anyhow::Result<()> {
    if !matches!(command, Command::Sing(_) | Command::Compose(_)) {
        return done(command, json).await;
    }
    let outcome = tokio::select! {
        outcome = done(command, json) => outcome,
        () = interrupted() => Err(Exit::interrupted()),
    };
    providers::all_called_off(LONGEST_GOODBYE).await;
    outcome
}

/// Ends when Ctrl-C comes; never where it cannot be watched for. The process ends with the next one, or when it has not ended by
/// itself for long: the command may be busy where it cannot be interrupted.
async fn interrupted() {
    let (told, asked_to_stop) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        // Nobody listens who is busy.
        let _ = told.send(());
        let _ = tokio::time::timeout(LONGEST_GOODBYE + Duration::from_secs(1), tokio::signal::ctrl_c()).await;
        std::process::exit(Exit::INTERRUPTED.into());
    });
    if asked_to_stop.await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn done(command: Command, json: bool) -> anyhow::Result<()> {
    match command {
        Command::Sing(args) => sing::run(args, json).await,
        Command::Blend(args) => blend::run(args, json).await,
        Command::Compose(args) => compose::run(args, json).await,
        Command::Render(args) => render::run(args, json),
        // The services bring a runtime of their own: main starts them.
        Command::Serve(_) => Ok(()),
        Command::Submit(args) => client::submit(args, json).await,
        Command::Status(args) => client::status(args, json).await,
        Command::Watch(args) => client::watch(args, json).await,
        Command::Cancel(args) => client::cancel(args, json).await,
        Command::Download(args) => client::download(args, json).await,
        Command::History(args) => client::history(args, json).await,
        Command::Quota(server) => client::quota(server, json).await,
        Command::SampleHum(args) => sample::run(args, json),
        Command::SampleSongs(args) => sample::songs(args, json),
        Command::Songs(command) => songs::run(command, json).await,
        Command::Models(command) => models::run(command, json).await,
        Command::Token { user, tier, operator, hours } => token::run(&user, &tier, operator, hours),
    }
}
